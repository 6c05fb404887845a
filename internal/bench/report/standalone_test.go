package report

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/bench/result"
)

// A document loads nothing, and runs no script but its own: its policy forbids it, and
// nothing in it tries.
func TestDocumentsStandAlone(t *testing.T) {
	for name, p := range map[string]parsedPage{
		"report":     reportPage(t, "two", sample("a", 20), sample("b", 3)),
		"comparison": comparisonPage(t, sampleComparison()),
	} {
		t.Run(name, func(t *testing.T) {
			p.checkLinks(t)
			p.checkScripts(t)
			// The project's script and styles are no more than they look like; what uPlot has
			// of addresses is in a comment.
			style := rawText(p.all("style")[0])
			if found := regexp.MustCompile(`@import|url\(|//`).FindString(style); found != "" {
				t.Errorf("styles with %q", found)
			}
		})
	}
}

// checkLinks demands that all links stay within the document, and go somewhere.
func (p parsedPage) checkLinks(t *testing.T) {
	t.Helper()
	ids, links := map[string]bool{}, 0
	for _, n := range p.all("") {
		id := attribute(n, "id")
		if id != "" && ids[id] {
			t.Errorf("two elements %q", id)
		}
		ids[id] = true
	}
	for _, n := range p.all("") {
		for _, a := range n.Attr {
			switch a.Key {
			case "src", "srcset", "data", "action", "poster", "background", "xlink:href":
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			case "href":
				target, inside := strings.CutPrefix(a.Val, "#")
				if inside && ids[target] {
					links++
				} else if a.Val != "data:," { // the icon, which browsers ask for otherwise
					t.Errorf("<%s href=%q>", n.Data, a.Val)
				}
			case "aria-labelledby":
				if !ids[a.Val] {
					t.Errorf("<%s aria-labelledby=%q>", n.Data, a.Val)
				}
			}
		}
	}
	if links != 2 {
		t.Errorf("%d links to the two runs", links)
	}
}

// checkScripts demands that the policy lets exactly these scripts run.
func (p parsedPage) checkScripts(t *testing.T) {
	t.Helper()
	want := "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src"
	scripts := 0
	for _, n := range p.all("script") {
		if attribute(n, "type") == "application/json" {
			continue
		}
		scripts++
		sum := sha256.Sum256([]byte(rawText(n)))
		want += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	if scripts != 2 {
		t.Errorf("%d scripts", scripts)
	}
	for _, n := range p.all("meta") {
		if attribute(n, "http-equiv") == "Content-Security-Policy" && attribute(n, "content") == want {
			return
		}
	}
	t.Errorf("the policy is not %s", want)
}

// What is in results is shown as it is, whatever it means in HTML or in a script: the
// document has the same elements as one with harmless names.
func TestAnyTextIsShownAsItIs(t *testing.T) {
	harmless := func(i int) string { return fmt.Sprint("name-", i) }
	want := elements(hostilePage(t, harmless))
	for _, text := range []string{
		`</script><script>alert(1)</script>`, `</title></style><img src=x onerror=alert(1)>`, `<!-- <script>`, `]]>`,
		`"><b id="plots">`, `' onclick='alert(1)`, `{{.Title}}`, `javascript:alert(1)`, "`${alert(1)}`", "a\u2028b", `\u003c\`, "&lt;&amp;",
	} {
		p := hostilePage(t, func(i int) string { return fmt.Sprintf("%s %d", text, i) })
		if got := elements(p); !maps.Equal(got, want) {
			t.Errorf("%q makes the elements %v, not %v", text, got, want)
		}
		whole := textOf(p.all("html")[0])
		for i := range hostileNames {
			contains(t, whole, strings.Join(strings.Fields(fmt.Sprintf("%s %d", text, i)), " "))
		}
		if got, want := p.plots(t)[0].Series[0].Name, fmt.Sprintf("%s %d", text, 4); got != want {
			t.Errorf("a plot's line is named %q, not %q", got, want)
		}
	}
}

// hostileNames is how many different ones hostilePage has.
const hostileNames = 19

// hostilePage is a comparison with one run, and all texts of both by their number.
func hostilePage(t *testing.T, text func(int) string) parsedPage {
	t.Helper()
	r := sample(text(0), 3)
	r.Settings = map[string]string{text(1): text(2)}
	r.Cluster.ID, r.Cluster.Topic = text(3), text(18)
	r.Sides = r.Sides[:1]
	r.Sides[0].Name, r.Sides[0].Errors = text(4), map[string]int64{text(5): 1}
	r.Required[0].Text = text(6)
	r.Machine = result.Machine{CPU: text(7), Kernel: text(8), LoadStart: text(9), LoadEnd: text(10)}
	return comparisonPage(t, Comparison{
		Title: text(11), Machine: r.Machine, Systems: []System{{Name: text(12), Version: text(13), About: text(14)}},
		Rows: []Row{{What: text(15), Unit: "s", Better: Less, Values: [][]float64{{1, 2}}, Goals: []Goal{{Name: text(16), Of: Value, Limit: 1}}}},
		Runs: []Run{{System: text(12), Result: r}}, Notes: []string{text(17)},
	})
}

// elements counts them by name and by what attributes they have.
func elements(p parsedPage) map[string]int {
	counts := map[string]int{}
	for _, n := range p.all("") {
		key := n.Data
		for _, a := range n.Attr {
			key += " " + a.Key
		}
		counts[key]++
	}
	return counts
}
