package comparison

import (
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	all := Shapes(UsualWarmUp, UsualLength)
	f := func(names, want string, failover bool) {
		t.Helper()
		chosen, losses, err := Choose(all, strings.Fields(names))
		var got []string
		for _, s := range chosen {
			got = append(got, s.Short)
		}
		if err != nil || losses != failover || !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%q: %q and failover: %t, %v", names, got, losses, err)
		}
	}
	f("", "callers one small large read", true)
	f("small one", "one small", false)
	f("read", "large read", false) // which has to be written before
	f("failover", "", true)
	if _, _, err := Choose(all, []string{"smal"}); err == nil || !strings.Contains(err.Error(), `"smal" is none of callers, one, small, large, read, failover`) {
		t.Error(err)
	}
}
