package main

import (
	"errors"
	"maps"
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

// A call is a place where a policy calls a built-in.
type call struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// parse reads every file, so that all syntax errors are reported in one go.
func parse(files []file) (map[string]*ast.Module, error) {
	modules := make(map[string]*ast.Module, len(files))
	var problems ast.Errors
	for _, f := range files {
		options := ast.ParserOptions{ProcessAnnotation: true, RegoVersion: f.version()}
		module, err := ast.ParseModuleWithOpts(f.Name, f.Text, options)
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

func (f file) version() ast.RegoVersion {
	if f.RegoVersion != nil && *f.RegoVersion == 0 {
		return ast.RegoV0
	}
	return ast.RegoV1
}

// compileModules type-checks. The error limit is lifted: whoever mends a policy wants the whole list.
func compileModules(modules map[string]*ast.Module, capabilities *ast.Capabilities, strict bool) (*ast.Compiler, error) {
	compiler := ast.NewCompiler().WithCapabilities(capabilities).WithStrict(strict).WithEnablePrintStatements(false).SetErrorLimit(0)
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
	capabilities, err := capabilitiesOf(question)
	if err != nil {
		return answer{}, err
	}
	refused := refusedCalls(builtinCalls(modules), capabilities)
	// Everything that OPA has: what is refused has been found, and tests may call it.
	_, err = compileModules(modules, ast.CapabilitiesForThisVersion(), true)
	var problems ast.Errors
	if err != nil && !errors.As(err, &problems) {
		return answer{}, err
	}
	if problems = append(problems, refused...); len(problems) > 0 {
		return answer{}, problems
	}
	return answer{}, nil
}

// builtinCalls reads parsed modules, before the compiler rewrites calls and drops their places. In the order of the text.
func builtinCalls(modules map[string]*ast.Module) []call {
	calls := []call{}
	hiding := hidingNames(modules)
	for _, name := range sortedNames(modules) {
		module := modules[name]
		note := func(operator ast.Ref, at *ast.Location) {
			_, builtin := ast.BuiltinMap[operator.String()]
			if builtin && at != nil && !hiding[name][operator[0].Value.(ast.Var)] {
				calls = append(calls, call{Name: operator.String(), File: name, Line: at.Row, Column: at.Col})
			}
		}
		ast.WalkExprs(module, func(expr *ast.Expr) bool {
			if expr.IsCall() {
				note(expr.Operator(), expr.Location)
			}
			return false
		})
		ast.WalkTerms(module, func(term *ast.Term) bool {
			if c, ok := term.Value.(ast.Call); ok {
				note(c[0].Value.(ast.Ref), term.Location)
			}
			return false
		})
	}
	sort.SliceStable(calls, func(i, j int) bool {
		a, b := calls[i], calls[j]
		return a.File < b.File || a.File == b.File && (a.Line < b.Line || a.Line == b.Line && a.Column < b.Column)
	})
	return calls
}

// hidingNames gives, by file, the names that hide a built-in there: rules of its package, and its imports.
func hidingNames(modules map[string]*ast.Module) map[string]map[ast.Var]bool {
	rules := map[string]map[ast.Var]bool{}
	for _, module := range modules {
		path := module.Package.Path.String()
		if rules[path] == nil {
			rules[path] = map[ast.Var]bool{}
		}
		for _, rule := range module.Rules {
			if name, isVar := rule.Head.Ref()[0].Value.(ast.Var); isVar {
				rules[path][name] = true
			}
		}
	}
	hiding := map[string]map[ast.Var]bool{}
	for file, module := range modules {
		hiding[file] = maps.Clone(rules[module.Package.Path.String()])
		for _, imported := range module.Imports {
			hiding[file][imported.Name()] = true
		}
	}
	return hiding
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
