package api

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var updateDocs = flag.Bool("update", false, "write docs/apis.md anew")

const apisDoc = "../../docs/apis.md"

// docs/apis.md is made of the table and of the headers of the files; this test
// fails where it is not what they say.
func TestApisDocIsCurrent(t *testing.T) {
	want := renderApis(t)
	if *updateDocs {
		if err := os.WriteFile(apisDoc, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(apisDoc)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/apis.md is out of date; run: make apis")
	}
}

func renderApis(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	out.WriteString("# APIs\n\nWhat this broker serves, with the versions that ApiVersions lists: as wide as\nApache Kafka 4.3's. Made by `make apis` from `internal/api/table.go` and the\nheaders of the files beside it.\n\n")
	out.WriteString("| key | API | versions | |\n|---|---|---|---|\n")
	table := apiTable()
	for _, e := range table {
		note := ""
		if e.advertisedMin != e.min {
			note = fmt.Sprintf("%d and above are accepted", e.min)
		}
		fmt.Fprintf(&out, "| %d | [%s](#%s) | %d–%d | %s |\n", e.key, e.name, strings.ToLower(e.name), e.advertisedMin, e.max, note)
	}
	for _, e := range table {
		fmt.Fprintf(&out, "\n## %s\n\n%s", e.name, header(t, e))
	}
	return out.Bytes()
}

// header is the comment block that a key's file opens with, without its first
// line, which the heading repeats.
func header(t *testing.T, e entry) string {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("%02d_*.go", e.key))
	if err != nil || len(files) != 1 {
		t.Fatalf("key %d has the files %v", e.key, files)
	}
	file, err := parser.ParseFile(token.NewFileSet(), files[0], nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	title := fmt.Sprintf("%s (key %d), ", e.name, e.key)
	for _, group := range file.Comments {
		first, body, _ := strings.Cut(text(group), "\n")
		if strings.HasPrefix(first, title) {
			return strings.TrimLeft(body, "\n")
		}
	}
	t.Fatalf("%s has no header that begins with %q", files[0], title)
	return ""
}

// text is a comment with its line breaks; each "Word: …" begins a paragraph.
func text(group *ast.CommentGroup) string {
	var out strings.Builder
	for line := range strings.Lines(group.Text()) {
		for _, word := range [...]string{"Versions:", "Divergence:"} {
			if strings.HasPrefix(line, word) {
				out.WriteString("\n")
			}
		}
		out.WriteString(line)
	}
	return out.String()
}
