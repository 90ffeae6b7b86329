package main

import (
	"maps"
	"slices"
	_ "unsafe" // for go:linkname

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/rego"
)

// nativeBuiltins is the table of OPA's WebAssembly compiler: which built-ins it takes from its own library in C, by name. All
// others become calls of the host. OPA has no option for it, and a plan or a policy that is rewritten beforehand would
// name other built-ins than its author did.
//
//go:linkname nativeBuiltins github.com/open-policy-agent/opa/internal/compiler/wasm.builtinsFunctions
var nativeBuiltins map[string]string

// askTheHost lists those that answer otherwise in OPA's library than in OPA. The host answers as OPA does.
var askTheHost = []*ast.Builtin{
	ast.FormatInt,         // aborts beyond 32 bits
	ast.GlobMatch,         // takes signs of regular expressions for what they mean there
	ast.JSONUnmarshal,     // reads numbers whose exponent OPA refuses
	ast.NetCIDRContains,   // accepts 10.0.0.1/x, and mixes IPv4-mapped IPv6 with IPv4
	ast.NetCIDRIntersects, // the same
	ast.NetCIDROverlap,    // the same
	ast.ObjectUnionN,      // undefined for []
	ast.Replace,           // never ends for ""
}

// inOpasLibrary keeps the entries of askTheHost.
var inOpasLibrary = map[string]string{}

func init() {
	for _, builtin := range askTheHost {
		function, native := nativeBuiltins[builtin.Name]
		// Another OPA, in which the table has another name or place: better no compiler than one that decides otherwise.
		if !native {
			panic("OPA's WebAssembly compiler has no table with " + builtin.Name)
		}
		inOpasLibrary[builtin.Name] = function
		delete(nativeBuiltins, builtin.Name)
	}
}

// asksTheHost tells whether OPA itself would compile this plan to something else.
func asksTheHost(plan *ir.Policy) bool {
	return slices.ContainsFunc(plan.Static.BuiltinFuncs, func(builtin *ir.BuiltinFunc) bool {
		return inOpasLibrary[builtin.Name] != ""
	})
}

// asOpaDoes gives what OPA compiles, for comparisons with it.
func asOpaDoes(compile func() (*rego.CompileResult, error)) (*rego.CompileResult, error) {
	maps.Copy(nativeBuiltins, inOpasLibrary)
	defer func() {
		for name := range inOpasLibrary {
			delete(nativeBuiltins, name)
		}
	}()
	return compile()
}
