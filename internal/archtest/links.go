package archtest

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// Links checks that links between documents lead to files, and to headings where they name
// one.
func Links(t *Tree) []Problem {
	link := regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
	headings := map[string]map[string]bool{}
	for _, f := range t.Markdown {
		headings[f.Path] = anchors(f.Text)
	}
	var found []Problem
	for _, f := range t.Markdown {
		for n, line := range proseLines(f.Text) {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				if what := t.deadLink(f.Path, m[1], headings); what != "" {
					found = append(found, Problem{Path: f.Path, Line: n + 1, What: what})
				}
			}
		}
	}
	return found
}

// proseLines are the lines of a document with those of code blocks blanked.
func proseLines(text string) []string {
	lines := strings.Split(text, "\n")
	inCode := false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if inCode || fence {
			lines[i] = ""
		}
		if fence {
			inCode = !inCode
		}
	}
	return lines
}

// anchors are the names by which a document's headings can be linked to.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, line := range proseLines(text) {
		heading := strings.TrimLeft(line, "#")
		if heading == line || !strings.HasPrefix(heading, " ") {
			continue
		}
		name := dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
		found[strings.ReplaceAll(name, " ", "-")] = true
	}
	return found
}

// deadLink says what is wrong with a link in a document, or nothing. Links to other sites are
// not followed: a test needs no network.
func (t *Tree) deadLink(from, target string, headings map[string]map[string]bool) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return ""
	}
	file, heading, _ := strings.Cut(target, "#")
	to := from
	if file != "" {
		to = path.Join(path.Dir(from), file)
	}
	if _, err := fs.Stat(t.fsys, to); err != nil {
		return "link to " + target + ": no such file"
	}
	if known, markdown := headings[to]; heading != "" && markdown && !known[heading] {
		return "link to " + target + ": no such heading"
	}
	return ""
}
