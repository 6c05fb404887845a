package machine

import "testing"

// TestLinesOfProc are taken apart, and missing ones are nothing.
func TestLinesOfProc(t *testing.T) {
	if got := model("processor\t: 0\nmodel name\t: AMD EPYC 7B13: fast\nmodel name\t: other\n"); got != "AMD EPYC 7B13: fast" {
		t.Errorf("model %q", got)
	}
	if got := averages("0.10 1.20 3.40 1/234 5678"); got != "0.10 1.20 3.40" {
		t.Errorf("averages %q", got)
	}
	if model("") != "" || averages("") != "" {
		t.Error("nothing is something")
	}
	if Look().Cores < 1 {
		t.Error("no cores")
	}
}
