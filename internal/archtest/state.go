package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// InitFunctions finds func init: what is registered is a visible list.
func InitFunctions(t *Tree) []Problem {
	var found []Problem
	for _, f := range t.Go {
		for _, declared := range f.Syntax.Decls {
			if function, ok := declared.(*ast.FuncDecl); ok && function.Recv == nil && function.Name.Name == "init" {
				found = append(found, Problem{Path: f.Path, Line: t.line(function.Pos()), What: "func init hides what happens at the start"})
			}
		}
	}
	return found
}

// PackageState finds package variables that can change: those that are assigned to, those
// that start empty and so can only be meant to change, and those that are locks and the
// like. Tables that nobody writes to, sentinel errors, and caches without a meaning of their
// own (sync.Pool, sync.OnceValue) are fine.
func PackageState(t *Tree) []Problem {
	var found []Problem
	packages := t.packages()
	for _, dir := range sortedKeys(packages) {
		variables := map[string]*ast.ValueSpec{}
		files := slices.DeleteFunc(slices.Clone(packages[dir]), plants)
		for _, f := range files {
			found = append(found, t.declaredState(f, variables)...)
		}
		for _, f := range files {
			found = append(found, t.assignedState(f, variables)...)
		}
	}
	return found
}

// plants reports whether a file is in builds with planted bugs only, which nobody runs a
// broker with.
func plants(f GoFile) bool {
	for _, group := range f.Syntax.Comments {
		if group.List[0].Text == "//go:build plant" {
			return true
		}
	}
	return false
}

// declaredState looks at declarations, and collects the variables that look constant.
func (t *Tree) declaredState(f GoFile, variables map[string]*ast.ValueSpec) []Problem {
	var found []Problem
	for _, declared := range f.Syntax.Decls {
		general, ok := declared.(*ast.GenDecl)
		if !ok || general.Tok != token.VAR || setByTools(general.Doc) {
			continue
		}
		for _, s := range general.Specs {
			spec, ok := s.(*ast.ValueSpec)
			if !ok || spec.Names[0].Name == "_" || setByTools(spec.Doc) {
				continue
			}
			if what := changeable(spec); what != "" {
				found = append(found, Problem{Path: f.Path, Line: t.line(spec.Pos()), What: "package variable " + spec.Names[0].Name + " " + what})
				continue
			}
			for _, name := range spec.Names {
				variables[name.Name] = spec
			}
		}
	}
	return found
}

// setByTools reports whether a variable is filled by the compiler, or by the linker as its
// comment says.
func setByTools(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ") || strings.Contains(c.Text, "-X main.")
	})
}

// changeable says why a declaration can only be of something that changes, or nothing.
func changeable(spec *ast.ValueSpec) string {
	if len(spec.Values) == 0 && !pool(spec.Type) {
		return "starts empty, and so can only be meant to change"
	}
	for _, value := range append(slices.Clone(spec.Values), spec.Type) {
		if literal, ok := value.(*ast.CompositeLit); ok {
			value = literal.Type
		}
		if call, ok := value.(*ast.CallExpr); ok {
			if name, ok := call.Fun.(*ast.Ident); ok && (name.Name == "make" || name.Name == "new") {
				return "is made empty, and so can only be meant to change"
			}
		}
		selector, ok := value.(*ast.SelectorExpr)
		if !ok {
			continue
		}
		pkg, ok := selector.X.(*ast.Ident)
		if ok && (pkg.Name == "atomic" || pkg.Name == "sync" && selector.Sel.Name != "Pool") {
			return "is a " + pkg.Name + "." + selector.Sel.Name + ": state belongs to a value that somebody owns"
		}
	}
	return ""
}

// pool reports whether a type is sync.Pool, or an array of them.
func pool(e ast.Expr) bool {
	if array, ok := e.(*ast.ArrayType); ok && array.Len != nil {
		e = array.Elt
	}
	selector, ok := e.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Pool" {
		return false
	}
	pkg, ok := selector.X.(*ast.Ident)
	return ok && pkg.Name == "sync"
}

// assignedState finds assignments to package variables, or to parts of them.
func (t *Tree) assignedState(f GoFile, variables map[string]*ast.ValueSpec) []Problem {
	var found []Problem
	report := func(target ast.Expr) {
		name := root(target)
		if name == nil {
			return
		}
		spec, ours := variables[name.Name]
		// A name that the parser has resolved to something else is a local one.
		if ours && (name.Obj == nil || name.Obj.Decl == spec) {
			found = append(found, Problem{Path: f.Path, Line: t.line(target.Pos()), What: "assigns to package variable " + name.Name})
		}
	}
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, target := range n.Lhs {
					report(target)
				}
			}
		case *ast.IncDecStmt:
			report(n.X)
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && (name.Name == "delete" || name.Name == "clear") {
				report(n.Args[0])
			}
		}
		return true
	})
	return found
}

// root is the variable that an expression such as x, x.f, x[i] or *x starts from.
func root(e ast.Expr) *ast.Ident {
	for {
		switch inner := e.(type) {
		case *ast.Ident:
			return inner
		case *ast.SelectorExpr:
			e = inner.X
		case *ast.IndexExpr:
			e = inner.X
		case *ast.StarExpr:
			e = inner.X
		case *ast.ParenExpr:
			e = inner.X
		default:
			return nil
		}
	}
}

// Sleeps finds tests that wait for time to pass. Inside synctest.Test time is
// virtual, and sleeping is how it passes; so it is in the helpers of a file
// whose tests all run in such bubbles.
func Sleeps(t *Tree) []Problem {
	var found []Problem
	for _, f := range t.Go {
		if !f.Test {
			continue
		}
		bubbles := bubbleHelpers(f.Syntax)
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			inBubble := slices.ContainsFunc(bubbles, func(b ast.Node) bool { return b.Pos() <= call.Pos() && call.End() <= b.End() })
			switch {
			case calls(call, "synctest", "Test"):
				bubbles = append(bubbles, call)
			case calls(call, "time", "Sleep") && !inBubble:
				found = append(found, Problem{Path: f.Path, Line: t.line(call.Pos()), What: "time.Sleep in a test: wait for the event, or use testing/synctest"})
			}
			return true
		})
	}
	return found
}

// bubbleHelpers are the functions of a file that are no tests, where every test
// of the file calls synctest.Test.
func bubbleHelpers(file *ast.File) []ast.Node {
	var helpers []ast.Node
	tests := 0
	for _, d := range file.Decls {
		function, ok := d.(*ast.FuncDecl)
		if !ok || function.Body == nil {
			continue
		}
		if function.Recv != nil || !strings.HasPrefix(function.Name.Name, "Test") {
			helpers = append(helpers, function)
			continue
		}
		tests++
		inBubble := false
		ast.Inspect(function.Body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			inBubble = inBubble || ok && calls(call, "synctest", "Test")
			return true
		})
		if !inBubble {
			return nil
		}
	}
	if tests == 0 {
		return nil
	}
	return helpers
}

func calls(call *ast.CallExpr, pkg, function string) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != function {
		return false
	}
	name, ok := selector.X.(*ast.Ident)
	return ok && name.Name == pkg
}
