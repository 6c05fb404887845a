package archtest

import (
	"os"
	"testing"
)

// TestRepository holds the module to every rule. A rule that is wrong for good code is to be
// changed here, not worked around there.
func TestRepository(t *testing.T) {
	tree, err := Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Go) < 50 {
		t.Fatalf("%d Go files: this is not the module", len(tree.Go))
	}
	rules := []struct {
		name string
		rule func(*Tree) []Problem
	}{
		{"imports point down", Imports},
		{"packages say what they are", PackageDocs},
		{"package names say something", PackageNames},
		{"files and functions are short", Sizes},
		{"no init functions", InitFunctions},
		{"no mutable package variables", PackageState},
		{"no sleeping tests", Sleeps},
		{"no unfinished work", UnfinishedWork},
		{"links lead somewhere", Links},
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, p := range r.rule(tree) {
				t.Error(p)
			}
		})
	}
}
