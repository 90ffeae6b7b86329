package main

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/dependencies"
)

// inputPaths names the parts of the input that can be read: those that the given rules and queries refer to, and those of
// every rule that these can reach. A path ends where it stops being constant names. Input that is used as a whole, or
// replaced for a part of an evaluation, gives the one empty path: everything.
//
// It walks on its own instead of calling dependencies.Base, which compares each rule with every other of its name.
func inputPaths(compiler *ast.Compiler, roots ...any) ([][]string, error) {
	reached := map[*ast.Rule]bool{}
	prefixes := map[string]bool{}
	paths := [][]string{}
	for open := roots; len(open) > 0; {
		node := open[len(open)-1]
		open = open[:len(open)-1]
		if replacesInput(node) {
			return [][]string{{}}, nil
		}
		refs, err := dependencies.Minimal(node)
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			prefix := ref.ConstantPrefix()
			if ref[0].Equal(ast.InputRootDocument) {
				paths = append(paths, names(prefix[1:]))
				continue
			}
			name := prefix.String()
			if prefixes[name] {
				continue
			}
			prefixes[name] = true
			rules := compiler.GetRules(prefix)
			if path, isAlias := throughAlias(rules, prefix); isAlias {
				paths = append(paths, path)
				continue
			}
			for _, rule := range rules {
				if !reached[rule] {
					reached[rule] = true
					open = append(open, rule)
				}
			}
		}
	}
	return shortest(paths), nil
}

// throughAlias follows a rule that only names a part of the input, as `http := input.attributes.request.http`: whoever reads
// `http.method` does not read all of it.
func throughAlias(rules []*ast.Rule, ref ast.Ref) ([]string, bool) {
	if len(rules) != 1 {
		return nil, false
	}
	rule := rules[0]
	if rule.Default || rule.Else != nil || len(rule.Head.Args) > 0 || rule.Head.Key != nil || len(rule.Body) != 1 {
		return nil, false
	}
	own := rule.Ref()
	if !own.IsGround() || !ref.HasPrefix(own) {
		return nil, false
	}
	expr := rule.Body[0]
	if expr.Negated || len(expr.With) > 0 || !expr.IsEquality() {
		return nil, false
	}
	name, target := expr.Operand(0), expr.Operand(1)
	input, isRef := target.Value.(ast.Ref)
	if !isRef || !input[0].Equal(ast.InputRootDocument) || !input.IsGround() || !rule.Head.Value.Equal(name) {
		return nil, false
	}
	path := names(input[1:])
	if len(path) < len(input)-1 {
		return path, true
	}
	return append(path, names(ref[len(own):])...), true
}

// replacesInput tells whether some `with` targets the input.
func replacesInput(node any) bool {
	found := false
	ast.WalkWiths(node, func(with *ast.With) bool {
		ref, isRef := with.Target.Value.(ast.Ref)
		found = found || isRef && ref[0].Equal(ast.InputRootDocument)
		return found
	})
	return found
}

// names gives the leading strings. An index into an array ends them.
func names(ref ast.Ref) []string {
	path := []string{}
	for _, term := range ref {
		name, isString := term.Value.(ast.String)
		if !isString {
			break
		}
		path = append(path, string(name))
	}
	return path
}

// shortest sorts, and leaves out what lies below another path.
func shortest(paths [][]string) [][]string {
	slices.SortFunc(paths, slices.Compare)
	kept := [][]string{}
	for _, path := range paths {
		if len(kept) > 0 {
			last := kept[len(kept)-1]
			if len(last) <= len(path) && slices.Equal(last, path[:len(last)]) {
				continue
			}
		}
		kept = append(kept, path)
	}
	return kept
}

func entrypointRules(compiler *ast.Compiler, entrypoint string) []any {
	roots := []any{}
	for _, rule := range compiler.GetRules(entrypointRef(entrypoint)) {
		roots = append(roots, rule)
	}
	return roots
}

func entrypointRef(path string) ast.Ref {
	ref := ast.Ref{ast.DefaultRootDocument}
	for _, segment := range strings.Split(path, "/") {
		ref = append(ref, ast.StringTerm(segment))
	}
	return ref
}
