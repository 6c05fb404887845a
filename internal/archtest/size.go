package archtest

import (
	"fmt"
	"go/ast"
)

const (
	// fileLinesMax is where a file has long held more than one idea.
	fileLinesMax = 800
	// functionLinesMax is hard; 70 is what one should write.
	functionLinesMax = 100
)

// longFunctions are allowed to be longer than functionLinesMax, to the length given. The list
// only shrinks: an entry that is no longer needed, or is higher than needed, is a problem.
func longFunctions() map[string]int {
	return map[string]int{}
}

// Sizes checks how long files and functions are. Generated files are as they come.
func Sizes(t *Tree) []Problem { return sizesBy(t, longFunctions()) }

func sizesBy(t *Tree, allowed map[string]int) []Problem {
	var found []Problem
	used := map[string]bool{}
	for _, f := range t.Go {
		if f.Generated {
			continue
		}
		if f.Lines > fileLinesMax {
			found = append(found, Problem{Path: f.Path, What: fmt.Sprintf("%d lines, at most %d", f.Lines, fileLinesMax)})
		}
		for _, declared := range f.Syntax.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := f.Path + " " + functionName(function)
			limit, listed := allowed[name]
			used[name] = used[name] || listed
			if p, broken := t.functionSize(f, function, max(limit, functionLinesMax), listed); broken {
				found = append(found, p)
			}
		}
	}
	for _, name := range sortedKeys(allowed) {
		if !used[name] {
			found = append(found, Problem{Path: name, What: "is allowed to be long, and is not there: remove the entry"})
		}
	}
	return found
}

func (t *Tree) functionSize(f GoFile, function *ast.FuncDecl, limit int, listed bool) (Problem, bool) {
	first := t.line(function.Pos())
	lines := t.line(function.End()) - first + 1
	p := Problem{Path: f.Path, Line: first}
	switch {
	case lines > limit:
		p.What = fmt.Sprintf("%s has %d lines, at most %d", functionName(function), lines, limit)
	case listed && lines < limit:
		p.What = fmt.Sprintf("%s has %d lines: lower its entry from %d, or remove it", functionName(function), lines, limit)
	default:
		return p, false
	}
	return p, true
}

// functionName is "Name" or "Type.Name".
func functionName(function *ast.FuncDecl) string {
	if function.Recv == nil || len(function.Recv.List) == 0 {
		return function.Name.Name
	}
	receiver := function.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	if name, ok := receiver.(*ast.Ident); ok {
		return name.Name + "." + function.Name.Name
	}
	return function.Name.Name
}
