package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteTable writes a comparison's figures as Markdown, with the circumstances below
// them: what a README can show of it.
func WriteTable(w io.Writer, c Comparison) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	if _, err := io.WriteString(w, newComparisonView(c).markdown()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (v comparisonView) markdown() string {
	var b strings.Builder
	heads, rule := []string{"what"}, "|---|"
	for _, s := range v.Systems {
		heads, rule = append(heads, strings.TrimSpace(s.Name+" "+s.Version)), rule+"--:|"
	}
	for _, s := range v.Others() {
		heads, rule = append(heads, s.Name+" ÷ "+v.Systems[0].Name), rule+"--:|"
	}
	writeRow(&b, append(heads, "goal"))
	b.WriteString(rule + "---|\n")
	for _, r := range v.Compared {
		writeRow(&b, r.cells())
	}
	b.WriteString("\n" + v.circumstances() + "\n")
	return b.String()
}

// cells are a row as text.
func (r compared) cells() []string {
	cells := []string{r.What + ", " + r.Unit}
	for _, s := range r.Spans {
		cells = append(cells, s.text(""))
	}
	for _, s := range r.Ratios {
		cells = append(cells, s.text(" ×"))
	}
	var goals []string
	for _, j := range r.Judged {
		goal := j.Goal + ": " + string(j.Outcome)
		if j.System != "" {
			goal = j.System + ", " + goal
		}
		goals = append(goals, goal)
	}
	return append(cells, strings.Join(goals, "; "))
}

// text is such as "95,000 (88,000 to 104,000)".
func (s span) text(unit string) string {
	switch {
	case !s.Known():
		return none
	case !s.Wide():
		return number(s.Median) + unit
	default:
		return fmt.Sprintf("%s%s (%s to %s)", number(s.Median), unit, number(s.Least), number(s.Most))
	}
}

// circumstances is a paragraph: without it the figures mean nothing.
func (v comparisonView) circumstances() string {
	m := v.Machine
	parts := []string{
		"Medians, and in brackets the range of the runs; of a ratio, the least over the most to the most over the least.",
		fmt.Sprintf("%s, %s with %d cores, %s, load average %s before and %s after.", moment(v.Date), m.CPU, m.Cores, m.Kernel, m.LoadStart, m.LoadEnd),
	}
	for i, s := range v.Systems {
		parts = append(parts, fmt.Sprintf("%s: %s; records: %s.", s.Name, s.About, v.Wholes[i].Text))
	}
	for i, p := range parts {
		parts[i] = plain(p)
	}
	return strings.Join(parts, "\n")
}

func writeRow(b *strings.Builder, cells []string) {
	for _, c := range cells {
		b.WriteString("| " + plain(c) + " ")
	}
	b.WriteString("|\n")
}

// plain is text as Markdown that means itself, on one line.
func plain(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		if strings.ContainsRune("\\`*_{}[]<>#|!~$&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
