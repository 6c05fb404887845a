//go:build !plant

package plant

// Enabled: this build can plant bugs.
const Enabled = false

// On reports whether a bug is planted: never, in this build.
func On(Bug) bool { return false }
