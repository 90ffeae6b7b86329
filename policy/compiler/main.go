// Command compiler is OPA's compiler, checker, formatter and test runner behind one JSON question on standard input
// and one JSON answer on standard output. It is built for GOOS=wasip1 and sees no file system, clock zone or network:
// whatever it judges comes in through the question.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// A job is one question. Do names the action; the other fields are read by the actions that need them.
type job struct {
	Do           string          `json:"do"`
	Files        []file          `json:"files"`
	Data         json.RawMessage `json:"data"`
	Entrypoint   string          `json:"entrypoint"`
	Strict       bool            `json:"strict"`
	Run          string          `json:"run"`
	Queries      []query         `json:"queries"`
	Capabilities json.RawMessage `json:"capabilities"`
}

type file struct {
	Name string `json:"name"`
	Text string `json:"text"`
	// 0 or 1; without it, 1.
	RegoVersion *int `json:"regoVersion,omitempty"`
}

// An answer holds diagnostics, or the fields of its action.
type answer struct {
	Diagnostics  []diagnostic    `json:"diagnostics"`
	Wasm         []byte          `json:"wasm,omitempty"`
	Plan         string          `json:"plan,omitempty"`
	Calls        []call          `json:"calls,omitempty"`
	Packages     []place         `json:"packages,omitempty"`
	Rules        []place         `json:"rules,omitempty"`
	Entrypoints  []string        `json:"entrypoints,omitempty"`
	Tests        []testResult    `json:"tests,omitempty"`
	Files        []file          `json:"files,omitempty"`
	Queries      []compiledQuery `json:"queries,omitempty"`
	InputPaths   [][]string      `json:"inputPaths,omitzero"`
	Capabilities json.RawMessage `json:"capabilities,omitempty"`
}

var actions = map[string]func(job) (answer, error){
	"build":        build,
	"queries":      compileQueries,
	"capabilities": describeCapabilities,
	"check":        check,
	"test":         test,
	"fmt":          formatFiles,
}

func main() {
	var question job
	if err := json.NewDecoder(os.Stdin).Decode(&question); err != nil {
		fail(fmt.Errorf("cannot read the job: %w", err))
	}
	action, known := actions[question.Do]
	if !known {
		fail(fmt.Errorf("unknown action %q", question.Do))
	}
	result, err := action(question)
	result.Diagnostics = diagnosticsOf(err)
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}
