package main

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
)

// A place is where the text of a policy puts something into data. Whoever has the data and the manifest compares: neither
// is asked for here, so that they can change without compiling anew.
type place struct {
	Path   []string `json:"path"`
	File   string   `json:"file"`
	Line   int      `json:"line"`
	Column int      `json:"column"`
}

func placeAt(path []string, at *ast.Location) place {
	return place{Path: path, File: at.File, Line: at.Row, Column: at.Col}
}

// packagesOf gives the package of each file.
func packagesOf(modules map[string]*ast.Module) ([]place, error) {
	places := make([]place, 0, len(modules))
	for _, name := range sortedNames(modules) {
		path, err := storage.NewPathForRef(modules[name].Package.Path)
		if err != nil {
			return nil, err
		}
		places = append(places, placeAt(path, modules[name].Package.Location))
	}
	return places, nil
}

// rulePlaces gives the paths that may hold no data, as OPA's own check walks them: to the first part that is not constant.
// A rule below another one is left out, because data there is data above it.
func rulePlaces(compiler *ast.Compiler) []place {
	paths := [][]string{}
	conflicts := ast.CheckPathConflicts(compiler, func(path []string) (bool, error) {
		paths = append(paths, slices.Clone(path))
		return true, nil
	})
	places := make([]place, 0, len(paths))
	for i, conflict := range conflicts {
		places = append(places, placeAt(paths[i], conflict.Location))
	}
	slices.SortFunc(places, func(a, b place) int { return slices.Compare(a.Path, b.Path) })
	return places
}
