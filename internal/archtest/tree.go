package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// modulePath is the module's name in import declarations.
const modulePath = "github.com/chronik/chronik"

// Tree is the text of a module: its Go files, parsed, and its documents.
type Tree struct {
	fsys      fs.FS
	positions *token.FileSet
	Go        []GoFile
	Markdown  []TextFile
}

// GoFile is one Go source file.
type GoFile struct {
	Path      string // from the module's root, with slashes
	Lines     int
	Test      bool // ends with _test.go
	Generated bool
	Syntax    *ast.File
}

// TextFile is one document.
type TextFile struct {
	Path string
	Text string
}

// Problem is a place where a rule is broken.
type Problem struct {
	Path string
	Line int // 0 for the file as a whole
	What string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.Path + ": " + p.What
	}
	return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.What)
}

// Load reads the module at the root of fsys. What git does not keep is not looked at: hidden
// directories, testdata, what is built or installed.
func Load(fsys fs.FS) (*Tree, error) {
	t := &Tree{fsys: fsys, positions: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if skipDirectory(name) {
				return fs.SkipDir
			}
			return nil
		}
		return t.add(name)
	})
	if err != nil {
		return nil, fmt.Errorf("load module: %w", err)
	}
	return t, nil
}

func skipDirectory(name string) bool {
	base := path.Base(name)
	return name != "." && strings.HasPrefix(base, ".") ||
		slices.Contains([]string{"testdata", "node_modules", "__pycache__"}, base) ||
		slices.Contains([]string{"bin", "data"}, name)
}

func (t *Tree) add(name string) error {
	switch path.Ext(name) {
	case ".go":
		text, err := fs.ReadFile(t.fsys, name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(t.positions, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		t.Go = append(t.Go, GoFile{
			Path: name, Lines: bytes.Count(text, []byte("\n")), Syntax: syntax,
			Test: strings.HasSuffix(name, "_test.go"), Generated: ast.IsGenerated(syntax),
		})
	case ".md":
		text, err := fs.ReadFile(t.fsys, name)
		if err != nil {
			return err
		}
		t.Markdown = append(t.Markdown, TextFile{Path: name, Text: string(text)})
	}
	return nil
}

// Dir is the package's directory.
func (f GoFile) Dir() string { return path.Dir(f.Path) }

func (t *Tree) line(at token.Pos) int { return t.positions.Position(at).Line }

// packages groups the files that are not tests by directory.
func (t *Tree) packages() map[string][]GoFile {
	all := map[string][]GoFile{}
	for _, f := range t.Go {
		if !f.Test {
			all[f.Dir()] = append(all[f.Dir()], f)
		}
	}
	return all
}

// onlyTests reports whether a directory has tests and nothing that they are of.
func (t *Tree) onlyTests(dir string) bool {
	return slices.ContainsFunc(t.Go, func(f GoFile) bool { return f.Test && f.Dir() == dir })
}
