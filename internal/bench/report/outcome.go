package report

import "fmt"

// Missed are the goals that were missed, a sentence each.
func (c Comparison) Missed() []string {
	var all []string
	for _, r := range newComparisonView(c).Compared {
		for _, j := range r.Judged {
			if j.Outcome == missed {
				all = append(all, r.What+", "+j.text())
			}
		}
	}
	return all
}

// Broken are the systems that did not keep what they have acknowledged, a sentence each.
func (c Comparison) Broken() []string {
	var all []string
	for _, s := range c.Systems {
		v := c.verified(s.Name)
		if v != nil && (v.Missing != 0 || v.Duplicated != 0 || v.Damaged != 0) {
			all = append(all, fmt.Sprintf("%s: %s", s.Name, whole(v).Text))
		}
	}
	return all
}
