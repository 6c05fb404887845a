package comparison

import (
	"fmt"
	"slices"
	"strings"
)

// Failover is what Choose calls the loss of leaders.
const Failover = "failover"

// Names are all that Choose knows.
func Names(all []Shape) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.Short)
	}
	return append(names, Failover)
}

// Choose keeps the shapes with some names, and those that write what they read, in their
// order; no name: all. It says whether leaders are to be lost as well.
func Choose(all []Shape, names []string) (chosen []Shape, failover bool, err error) {
	if len(names) == 0 {
		return all, true, nil
	}
	for _, name := range names {
		if !slices.Contains(Names(all), name) {
			return nil, false, fmt.Errorf("%q is none of %s", name, strings.Join(Names(all), ", "))
		}
	}
	wanted := func(s Shape) bool { return slices.Contains(names, s.Short) }
	for _, s := range all {
		read := func(other Shape) bool { return other.Reads && wanted(other) && other.Topic == s.Topic }
		if wanted(s) || slices.ContainsFunc(all, read) {
			chosen = append(chosen, s)
		}
	}
	return chosen, slices.Contains(names, Failover), nil
}
