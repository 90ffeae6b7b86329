// Command opa-library decides with OPA's Go library, for comparison. It reads the Rego files and data named on the
// command line, then lines of JSON on standard input: {"inputs": [...], "rounds": n} is answered by the nanoseconds of each
// decision, its results for the first round, and the processor time that all of them took.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"log"
	"os"
	"syscall"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

type question struct {
	Inputs []json.RawMessage `json:"inputs"`
	Rounds int               `json:"rounds"`
}

type answer struct {
	Nanos    []int64 `json:"nanos"`
	Results  []any   `json:"results"`
	CPUNanos int64   `json:"cpuNanos"`
}

func main() {
	query, dataFile, regoFiles := os.Args[1], os.Args[2], os.Args[3:]
	text, err := os.ReadFile(dataFile)
	check(err)
	var data map[string]any
	check(json.Unmarshal(text, &data))
	options := []func(*rego.Rego){
		rego.Query(query),
		// Reading base documents from the AST is what `opa run --optimize-store-for-read-speed` does too.
		rego.Store(inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true))),
	}
	for _, file := range regoFiles {
		module, err := os.ReadFile(file)
		check(err)
		options = append(options, rego.Module(file, string(module)))
	}
	ctx := context.Background()
	prepared, err := rego.New(options...).PrepareForEval(ctx)
	check(err)
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked question
		check(json.Unmarshal(line, &asked))
		check(out.Encode(decide(ctx, prepared, asked)))
	}
}

// decide is given input that has been parsed already: the fastest way in.
func decide(ctx context.Context, prepared rego.PreparedEvalQuery, asked question) answer {
	inputs := make([]ast.Value, len(asked.Inputs))
	for i, raw := range asked.Inputs {
		var document any
		check(json.Unmarshal(raw, &document))
		value, err := ast.InterfaceToValue(document)
		check(err)
		inputs[i] = value
	}
	said := answer{}
	before := cpuNanos()
	for round := range asked.Rounds {
		for _, input := range inputs {
			began := time.Now()
			results, err := prepared.Eval(ctx, rego.EvalParsedInput(input))
			said.Nanos = append(said.Nanos, time.Since(began).Nanoseconds())
			check(err)
			if round == 0 {
				said.Results = append(said.Results, results[0].Expressions[0].Value)
			}
		}
	}
	said.CPUNanos = cpuNanos() - before
	return said
}

func cpuNanos() int64 {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return syscall.TimevalToNsec(used.Utime) + syscall.TimevalToNsec(used.Stime)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
