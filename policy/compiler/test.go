package main

import (
	"bytes"
	"context"
	"encoding/json"
	"sort"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
)

type testResult struct {
	Package  string  `json:"package"`
	Name     string  `json:"name"`
	Outcome  string  `json:"outcome"`
	File     string  `json:"file"`
	Line     int     `json:"line"`
	Output   string  `json:"output"`
	Error    string  `json:"error"`
	Duration float64 `json:"durationMs"`
}

// A generous bound for one test; the process as a whole is bounded by whoever started it.
const testTimeout = 30 * time.Second

func test(question job) (answer, error) {
	modules, err := parse(question.Files)
	if err != nil {
		return answer{}, err
	}
	data := map[string]any{}
	if len(question.Data) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(question.Data))
		decoder.UseNumber()
		if err := decoder.Decode(&data); err != nil {
			return answer{}, err
		}
	}
	ctx := context.Background()
	store := inmem.NewFromObject(data)
	txn, err := store.NewTransaction(ctx, storage.WriteParams)
	if err != nil {
		return answer{}, err
	}
	defer store.Abort(ctx, txn)
	compiler := ast.NewCompiler().WithEnablePrintStatements(true).SetErrorLimit(0)
	runner := tester.NewRunner().SetCompiler(compiler).SetStore(store).SetModules(modules).
		CapturePrintOutput(true).SetTimeout(testTimeout).SetParallel(1).Filter(question.Run)
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		return answer{}, err
	}
	tests := []testResult{}
	for result := range results {
		tests = append(tests, describe(result))
	}
	sort.Slice(tests, func(i, j int) bool {
		return tests[i].File < tests[j].File || tests[i].File == tests[j].File && tests[i].Line < tests[j].Line
	})
	return answer{Tests: tests}, nil
}

func describe(result *tester.Result) testResult {
	described := testResult{
		Package:  result.Package,
		Name:     result.Name,
		Outcome:  "pass",
		File:     result.Location.File,
		Line:     result.Location.Row,
		Output:   string(result.Output),
		Duration: float64(result.Duration) / float64(time.Millisecond),
	}
	switch {
	case result.Error != nil:
		described.Outcome, described.Error = "error", result.Error.Error()
	case result.Skip:
		described.Outcome = "skip"
	case result.Fail:
		described.Outcome = "fail"
		if result.FailedAt != nil && result.FailedAt.Location != nil {
			described.Line = result.FailedAt.Location.Row
			described.Error = string(result.FailedAt.Location.Text)
		}
	}
	return described
}
