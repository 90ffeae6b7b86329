package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/compile"
)

const (
	entrypointMissing = "entrypoint_missing"
	strictViolation   = "strict_violation"
)

// build compiles one entrypoint to WebAssembly, and to OPA's plan from which other engines can be made. The modules are
// checked first with the error limit lifted, because compile.Build stops after ten problems.
func build(question job) (answer, error) {
	modules, err := parse(question.Files)
	if err != nil {
		return answer{}, err
	}
	calls := builtinCalls(modules)
	capabilities, err := capabilitiesOf(question)
	if err != nil {
		return answer{}, err
	}
	if refused := refusedCalls(calls, capabilities); len(refused) > 0 {
		return answer{}, refused
	}
	if hasTests(question.Files) {
		// What is refused has been found, and tests may call it. Whoever loads the plan looks at what the entrypoint calls.
		capabilities = ast.CapabilitiesForThisVersion()
	}
	packages, err := packagesOf(modules)
	if err != nil {
		return answer{}, err
	}
	checked, err := compileModules(modules, capabilities, false)
	if question.Strict {
		err = strictProblems(question.Files, capabilities, err)
	}
	if err != nil {
		return answer{}, err
	}
	if len(checked.GetRules(entrypointRef(question.Entrypoint))) == 0 {
		known := answer{Entrypoints: possibleEntrypoints(checked)}
		return known, ast.NewError(entrypointMissing, nil, "no rule is named %s", question.Entrypoint)
	}
	paths, err := inputPaths(checked, entrypointRules(checked, question.Entrypoint)...)
	if err != nil {
		return answer{}, err
	}
	wasm, err := compileTo(compile.TargetWasm, question, capabilities)
	if err != nil {
		return answer{}, err
	}
	plan, err := compileTo(compile.TargetPlan, question, capabilities)
	if err != nil {
		return answer{}, err
	}
	return answer{
		Wasm: wasm.WasmModules[0].Raw, Plan: string(plan.PlanModules[0].Raw), Calls: calls, InputPaths: paths,
		Packages: packages, Rules: rulePlaces(checked),
	}, nil
}

// strictProblems gives all that OPA's strict mode finds. What it alone finds has a code of its own: elsewhere that policy runs. It
// parses again, because compiling rewrites the modules that it is given.
func strictProblems(files []file, capabilities *ast.Capabilities, problem error) error {
	modules, err := parse(files)
	if err != nil {
		return err
	}
	_, err = compileModules(modules, capabilities, true)
	var found ast.Errors
	if !errors.As(err, &found) {
		return problem
	}
	if problem == nil {
		for _, one := range found {
			one.Code = strictViolation
		}
	}
	return found
}

// possibleEntrypoints names what could have been meant: every rule that is neither a function nor a test.
func possibleEntrypoints(compiler *ast.Compiler) []string {
	found := []string{}
	for _, module := range compiler.Modules {
		for _, rule := range module.Rules {
			if len(rule.Head.Args) == 0 && !isTest(rule.Location.File) {
				found = append(found, strings.Join(names(rule.Ref()[1:]), "/"))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// compileTo parses again: each target rewrites the modules that it is given.
func compileTo(target string, question job, capabilities *ast.Capabilities) (*bundle.Bundle, error) {
	modules, err := parse(question.Files)
	if err != nil {
		return nil, err
	}
	b := &bundle.Bundle{Data: map[string]any{}}
	b.Manifest.Init()
	for _, f := range question.Files {
		b.Modules = append(b.Modules, bundle.ModuleFile{
			URL: f.Name, Path: f.Name, Raw: []byte(f.Text), Parsed: modules[f.Name],
		})
	}
	compiler := compile.New().WithBundle(b).WithTarget(target).WithEntrypoints(question.Entrypoint).
		WithCapabilities(capabilities)
	if err := compiler.Build(context.Background()); err != nil {
		return nil, err
	}
	return compiler.Bundle(), nil
}
