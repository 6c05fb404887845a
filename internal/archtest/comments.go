package archtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// PackageDocs checks that each package says what it is: a comment that begins with its
// name, of a sentence at least.
func PackageDocs(t *Tree) []Problem {
	var found []Problem
	packages := t.packages()
	for _, dir := range sortedKeys(packages) {
		files := packages[dir]
		if !slices.ContainsFunc(files, hasPackageDoc) {
			found = append(found, Problem{Path: files[0].Path, What: "package " + files[0].Syntax.Name.Name +
				" has no comment that begins with its name and says in a sentence what it is"})
		}
	}
	return found
}

// docWordsMin makes "Package x is x." too little.
const docWordsMin = 8

func hasPackageDoc(f GoFile) bool {
	text := strings.TrimSpace(f.Syntax.Doc.Text())
	begins := strings.HasPrefix(text, "Package "+f.Syntax.Name.Name+" ") ||
		f.Syntax.Name.Name == "main" && strings.HasPrefix(text, "Command ")
	return begins && strings.Contains(text, ".") && len(strings.Fields(text)) >= docWordsMin
}

// UnfinishedWork finds marks of what somebody meant to do later.
func UnfinishedWork(t *Tree) []Problem {
	marks := regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)
	var found []Problem
	for _, f := range t.Go {
		for _, group := range f.Syntax.Comments {
			for _, c := range group.List {
				if m := marks.FindString(c.Text); m != "" {
					found = append(found, Problem{Path: f.Path, Line: t.line(c.Pos()), What: fmt.Sprintf("%s in a comment: do it, or file it", m)})
				}
			}
		}
	}
	for _, f := range t.Markdown {
		for n, line := range strings.Split(f.Text, "\n") {
			if m := marks.FindString(line); m != "" {
				found = append(found, Problem{Path: f.Path, Line: n + 1, What: fmt.Sprintf("%s in a document: do it, or file it", m)})
			}
		}
	}
	return found
}

// PackageNames refuses names that say nothing.
func PackageNames(t *Tree) []Problem {
	empty := []string{"util", "utils", "common", "helper", "helpers", "misc", "manager", "base", "shared", "types", "lib"}
	var found []Problem
	packages := t.packages()
	for _, dir := range sortedKeys(packages) {
		if f := packages[dir][0]; slices.Contains(empty, f.Syntax.Name.Name) {
			found = append(found, Problem{Path: f.Path, What: "a package named " + f.Syntax.Name.Name + " says nothing of what it holds"})
		}
	}
	return found
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
