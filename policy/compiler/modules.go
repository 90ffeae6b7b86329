package main

import (
	"errors"
	"sort"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

type diagnostic struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// A call is the first place where a policy calls a built-in.
type call struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
}

// parse reads every file, so that all syntax errors are reported in one go.
func parse(files []file) (map[string]*ast.Module, error) {
	modules := make(map[string]*ast.Module, len(files))
	var problems ast.Errors
	for _, f := range files {
		module, err := ast.ParseModuleWithOpts(f.Name, f.Text, ast.ParserOptions{ProcessAnnotation: true})
		if err != nil {
			var found ast.Errors
			if !errors.As(err, &found) {
				return nil, err
			}
			problems = append(problems, found...)
			continue
		}
		if module == nil {
			problems = append(problems, ast.NewError(ast.ParseErr, ast.NewLocation(nil, f.Name, 1, 1), "empty module"))
			continue
		}
		modules[f.Name] = module
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return modules, nil
}

// compileModules type-checks. The error limit is lifted: whoever mends a policy wants the whole list.
func compileModules(modules map[string]*ast.Module, strict bool) (*ast.Compiler, error) {
	compiler := ast.NewCompiler().WithStrict(strict).WithEnablePrintStatements(false).SetErrorLimit(0)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, compiler.Errors
	}
	return compiler, nil
}

func check(question job) (answer, error) {
	modules, err := parse(question.Files)
	if err != nil {
		return answer{}, err
	}
	calls := builtinCalls(modules)
	_, err = compileModules(modules, true)
	return answer{Calls: calls}, err
}

// builtinCalls reads parsed modules, before the compiler rewrites calls and drops their places.
func builtinCalls(modules map[string]*ast.Module) []call {
	first := map[string]call{}
	for _, name := range sortedNames(modules) {
		note := func(operator ast.Ref, at *ast.Location) {
			called := operator.String()
			_, seen := first[called]
			if _, builtin := ast.BuiltinMap[called]; builtin && !seen && at != nil {
				first[called] = call{Name: called, File: name, Line: at.Row}
			}
		}
		ast.WalkExprs(modules[name], func(expr *ast.Expr) bool {
			if expr.IsCall() {
				note(expr.Operator(), expr.Location)
			}
			return false
		})
		ast.WalkTerms(modules[name], func(term *ast.Term) bool {
			if c, ok := term.Value.(ast.Call); ok {
				note(c[0].Value.(ast.Ref), term.Location)
			}
			return false
		})
	}
	calls := make([]call, 0, len(first))
	for _, c := range first {
		calls = append(calls, c)
	}
	sort.Slice(calls, func(i, j int) bool { return calls[i].Name < calls[j].Name })
	return calls
}

func sortedNames(modules map[string]*ast.Module) []string {
	names := make([]string, 0, len(modules))
	for name := range modules {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func formatFiles(question job) (answer, error) {
	var formatted []file
	var problems ast.Errors
	for _, f := range question.Files {
		text, err := format.SourceWithOpts(f.Name, []byte(f.Text), format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			var found ast.Errors
			if !errors.As(err, &found) {
				return answer{}, err
			}
			problems = append(problems, found...)
			continue
		}
		formatted = append(formatted, file{Name: f.Name, Text: string(text)})
	}
	if len(problems) > 0 {
		return answer{}, problems
	}
	return answer{Files: formatted}, nil
}

func diagnosticsOf(err error) []diagnostic {
	list := []diagnostic{}
	if err == nil {
		return list
	}
	var many ast.Errors
	var one *ast.Error
	if !errors.As(err, &many) {
		if !errors.As(err, &one) {
			return append(list, diagnostic{Code: "opa_error", Message: err.Error()})
		}
		many = ast.Errors{one}
	}
	for _, e := range many {
		d := diagnostic{Code: e.Code, Message: e.Message}
		if e.Details != nil {
			d.Message = strings.Join(append([]string{e.Message}, e.Details.Lines()...), "\n")
		}
		if e.Location != nil {
			d.File, d.Line, d.Column = e.Location.File, e.Location.Row, e.Location.Col
		}
		list = append(list, d)
	}
	return list
}
