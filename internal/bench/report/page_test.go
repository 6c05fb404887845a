package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/chronik/chronik/internal/bench/result"
)

// parsedPage is a document as a browser sees it.
type parsedPage struct {
	source   string
	elements []*html.Node
}

func parsePage(t *testing.T, source []byte) parsedPage {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	p := parsedPage{source: string(source)}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			p.elements = append(p.elements, n)
		}
	}
	return p
}

func reportPage(t *testing.T, title string, results ...result.Result) parsedPage {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, title, results); err != nil {
		t.Fatal(err)
	}
	return parsePage(t, b.Bytes())
}

func comparisonPage(t *testing.T, c Comparison) parsedPage {
	t.Helper()
	var b bytes.Buffer
	if err := WriteComparison(&b, c); err != nil {
		t.Fatal(err)
	}
	return parsePage(t, b.Bytes())
}

// all are the elements of a name; empty: all.
func (p parsedPage) all(name string) []*html.Node {
	var found []*html.Node
	for _, n := range p.elements {
		if name == "" || n.Data == name {
			found = append(found, n)
		}
	}
	return found
}

// named is the element with an id.
func (p parsedPage) named(t *testing.T, id string) *html.Node {
	t.Helper()
	i := slices.IndexFunc(p.elements, func(n *html.Node) bool { return attribute(n, "id") == id })
	if i < 0 {
		t.Fatalf("no element %q", id)
	}
	return p.elements[i]
}

// section is the text of a section, by the id of its heading.
func (p parsedPage) section(t *testing.T, id string) string {
	t.Helper()
	return textOf(p.named(t, id).Parent)
}

// plots are what the script gets to draw. Gaps are 0 here.
func (p parsedPage) plots(t *testing.T) []plot {
	t.Helper()
	var plots []plot
	if err := json.Unmarshal([]byte(rawText(p.named(t, "plots"))), &plots); err != nil {
		t.Fatal(err)
	}
	return plots
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// rawText is what is in a script or style.
func rawText(n *html.Node) string {
	var b strings.Builder
	for c := range n.ChildNodes() {
		b.WriteString(c.Data)
	}
	return b.String()
}

// textOf is the text in an element, its words with a space between them.
func textOf(n *html.Node) string {
	var words []string
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "script" && d.Parent.Data != "style" {
			words = append(words, strings.Fields(d.Data)...)
		}
	}
	return strings.Join(words, " ")
}

// contains demands all of some texts.
func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in %s", w, text)
		}
	}
}
