package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// builtinRefused marks a call of a built-in of OPA that the capabilities leave out; the message is its name.
const builtinRefused = "builtin_refused"

// capabilitiesOf reads what the policy may use; all that this OPA has when the job does not say.
func capabilitiesOf(question job) (*ast.Capabilities, error) {
	if len(question.Capabilities) == 0 {
		return ast.CapabilitiesForThisVersion(), nil
	}
	return ast.LoadCapabilitiesJSON(bytes.NewReader(question.Capabilities))
}

// describeCapabilities answers with the declarations of everything that this OPA has.
func describeCapabilities(job) (answer, error) {
	text, err := json.Marshal(ast.CapabilitiesForThisVersion())
	return answer{Capabilities: text}, err
}

// refusedCalls finds every place where a policy calls what it may not. OPA's compiler would call it an undefined function, of
// which there are other kinds. Tests run in OPA's own engine and may call anything.
func refusedCalls(calls []call, capabilities *ast.Capabilities) ast.Errors {
	var refused ast.Errors
	for _, c := range calls {
		if !capabilities.ContainsBuiltin(c.Name) && !isTest(c.File) {
			refused = append(refused, ast.NewError(builtinRefused, ast.NewLocation(nil, c.File, c.Line, c.Column), "%s", c.Name))
		}
	}
	return refused
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.rego") }

func hasTests(files []file) bool {
	return slices.ContainsFunc(files, func(f file) bool { return isTest(f.Name) })
}
