//go:build plant

package plant

// Enabled: this build can plant bugs.
const Enabled = true

// planted is the bug that is switched on. One simulation runs at a time.
var planted Bug

// On reports whether a bug is planted.
func On(b Bug) bool { return planted == b }

// Switch plants a bug in place of the one before; "" plants none.
func Switch(b Bug) { planted = b }
