// Command opa-library decides with OPA's Go library, for comparison. Its words are the query, then `files DATA REGO...` or
// `bundle PATH`. It says its version in a line of JSON and then answers lines of JSON on standard input: {"inputs": [...],
// "times": n} by the nanoseconds of each decision, its answers for the first time, and the processor time of all of them.
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
	"github.com/open-policy-agent/opa/v1/util"
	"github.com/open-policy-agent/opa/v1/version"
)

type question struct {
	Inputs []json.RawMessage `json:"inputs"`
	Times  int               `json:"times"`
}

type answer struct {
	// Nothing where the query is undefined, which null is not.
	Result *any   `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

type decided struct {
	Nanos    []int64  `json:"nanos"`
	Answers  []answer `json:"answers"`
	CPUNanos int64    `json:"cpuNanos"`
}

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	options := append(policy(os.Args[2], os.Args[3:]), rego.Query(os.Args[1]))
	prepared, err := rego.New(options...).PrepareForEval(ctx)
	check(err)
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	check(out.Encode(map[string]string{"version": version.Version}))
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

func policy(kind string, paths []string) []func(*rego.Rego) {
	var data map[string]any
	var options []func(*rego.Rego)
	if kind == "bundle" {
		options = append(options, rego.LoadBundle(paths[0]))
	} else {
		text, err := os.ReadFile(paths[0])
		check(err)
		check(util.UnmarshalJSON(text, &data))
		for _, file := range paths[1:] {
			module, err := os.ReadFile(file)
			check(err)
			options = append(options, rego.Module(file, string(module)))
		}
	}
	// Reading base documents from the AST is what `opa run --optimize-store-for-read-speed` does too.
	store := inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true))
	return append(options, rego.Store(store))
}

// decide is given input that has been parsed already: the fastest way in.
func decide(ctx context.Context, prepared rego.PreparedEvalQuery, asked question) decided {
	inputs := make([]ast.Value, len(asked.Inputs))
	for i, raw := range asked.Inputs {
		var document any
		check(util.UnmarshalJSON(raw, &document))
		value, err := ast.InterfaceToValue(document)
		check(err)
		inputs[i] = value
	}
	said := decided{}
	before := cpuNanos()
	for round := range asked.Times {
		for _, input := range inputs {
			nanos, results, err := evaluate(ctx, prepared, input)
			said.Nanos = append(said.Nanos, nanos)
			if round == 0 {
				said.Answers = append(said.Answers, answerOf(results, err))
			}
		}
	}
	said.CPUNanos = cpuNanos() - before
	return said
}

func evaluate(ctx context.Context, prepared rego.PreparedEvalQuery, input ast.Value) (int64, rego.ResultSet, error) {
	began := time.Now()
	results, err := prepared.Eval(ctx, rego.EvalParsedInput(input))
	return time.Since(began).Nanoseconds(), results, err
}

func answerOf(results rego.ResultSet, err error) answer {
	if err != nil {
		return answer{Error: err.Error()}
	}
	if len(results) == 0 {
		return answer{}
	}
	return answer{Result: &results[0].Expressions[0].Value}
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
