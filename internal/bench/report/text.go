package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes a comparison's figures for a terminal: a few lines for each row, and the
// circumstances below all.
func WriteText(w io.Writer, c Comparison) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	if _, err := io.WriteString(w, newComparisonView(c).text()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (v comparisonView) text() string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	put := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) } // a strings.Builder takes everything
	for _, r := range v.Compared {
		put("%s, %s", r.What, r.Unit)
		for i, s := range v.Systems {
			ratio := ""
			if i > 0 && r.Ratios[i-1].Known() {
				ratio = r.Ratios[i-1].text(" ×") + " " + v.Systems[0].Name
			}
			cells := []string{s.Name, r.Spans[i].text(""), ratio, r.Shares[i]}
			put("  %s", strings.TrimRight(strings.Join(cells, "\t"), "\t"))
		}
		for _, j := range r.Judged {
			put("  %s", j.text())
		}
	}
	if len(v.Limits) > 0 {
		put("\nthe machine itself")
		for _, l := range v.Limits {
			put("  %s\t%s", l.What, l.Value)
		}
	}
	put("")
	for _, paragraph := range v.circumstances() {
		put("%s", paragraph)
	}
	_ = t.Flush() // as above
	return b.String()
}
