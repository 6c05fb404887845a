//go:build !invariants

package meta

// checking makes Apply check the whole image, which costs as much as there is.
const checking = false
