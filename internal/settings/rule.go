package settings

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// rule narrows which values of its type a setting takes. The zero rule narrows
// nothing.
type rule struct {
	low, high       int64
	hasLow, hasHigh bool
	// words are all that a string, or each item of a list, may be.
	words []string
	// also refuses what bounds and words cannot express; alsoText says what.
	also     func(value string) error
	alsoText string
}

func atLeast(low int64) rule { return rule{low: low, hasLow: true} }

func between(low, high int64) rule {
	return rule{low: low, hasLow: true, high: high, hasHigh: true}
}

func oneOf(words ...string) rule { return rule{words: words} }

func checked(text string, also func(string) error) rule {
	return rule{also: also, alsoText: text}
}

// ValueError says that a setting does not take a value.
type ValueError struct {
	Name    string
	Problem string
}

func (e *ValueError) Error() string { return e.Name + ": " + e.Problem }

// Validate checks a value, and names the setting and what it takes where it
// does not take this one.
func (d *Definition) Validate(value string) error {
	if problem := d.problem(strings.TrimSpace(value)); problem != "" {
		return &ValueError{Name: d.Name, Problem: problem}
	}
	return nil
}

func (d *Definition) problem(value string) string {
	switch d.Type {
	case Boolean:
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return fmt.Sprintf("%q is neither true nor false", value)
		}
	case Int:
		return d.wholeProblem(value, 32)
	case Short:
		return d.wholeProblem(value, 16)
	case Long:
		return d.wholeProblem(value, 64)
	case Double:
		return d.doubleProblem(value)
	case List:
		for _, item := range SplitList(value) {
			if p := d.wordProblem(item); p != "" {
				return p
			}
		}
	case String, Class, Password:
		if p := d.wordProblem(value); p != "" {
			return p
		}
	}
	return d.alsoProblem(value)
}

func (d *Definition) wholeProblem(value string, bits int) string {
	n, err := strconv.ParseInt(value, 10, bits)
	if err != nil {
		low, high := int64(math.MinInt64)>>(64-bits), int64(math.MaxInt64)>>(64-bits)
		return fmt.Sprintf("%q is not a whole number from %d to %d", value, low, high)
	}
	if d.rule.hasLow && n < d.rule.low {
		return fmt.Sprintf("%d is below the least allowed value %d", n, d.rule.low)
	}
	if d.rule.hasHigh && n > d.rule.high {
		return fmt.Sprintf("%d is above the greatest allowed value %d", n, d.rule.high)
	}
	return d.alsoProblem(value)
}

func (d *Definition) doubleProblem(value string) string {
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(f) {
		return fmt.Sprintf("%q is not a number", value)
	}
	if d.rule.hasLow && f < float64(d.rule.low) {
		return fmt.Sprintf("%s is below the least allowed value %d", value, d.rule.low)
	}
	if d.rule.hasHigh && f > float64(d.rule.high) {
		return fmt.Sprintf("%s is above the greatest allowed value %d", value, d.rule.high)
	}
	return d.alsoProblem(value)
}

func (d *Definition) wordProblem(word string) string {
	if d.rule.words == nil || slices.Contains(d.rule.words, word) {
		return ""
	}
	return fmt.Sprintf("%q is not one of %s", word, strings.Join(d.rule.words, ", "))
}

func (d *Definition) alsoProblem(value string) string {
	if d.rule.also == nil {
		return ""
	}
	if err := d.rule.also(value); err != nil {
		return err.Error()
	}
	return ""
}

// ValidText says which values the setting takes, in Kafka's manner: "[1,...]",
// "[compact, delete]"; "" where its type says all.
func (d *Definition) ValidText() string {
	r := d.rule
	switch {
	case r.alsoText != "":
		return r.alsoText
	case r.words != nil:
		return "[" + strings.Join(r.words, ", ") + "]"
	case r.hasLow && r.hasHigh:
		return fmt.Sprintf("[%d,...,%d]", r.low, r.high)
	case r.hasLow:
		return fmt.Sprintf("[%d,...]", r.low)
	}
	return ""
}

// SplitList cuts a list's value at its commas and trims the items. An empty
// value is an empty list.
func SplitList(value string) []string {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil
	}
	items := strings.Split(value, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// Normalize writes a valid value the way DescribeConfigs shows it: without
// spaces around it or a list's items, booleans in lower case.
func (d *Definition) Normalize(value string) string {
	switch d.Type {
	case List:
		return strings.Join(SplitList(value), ",")
	case Boolean:
		return strings.ToLower(strings.TrimSpace(value))
	case String, Int, Short, Long, Double, Class, Password:
	}
	return strings.TrimSpace(value)
}
