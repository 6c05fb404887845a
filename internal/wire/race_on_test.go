//go:build race

package wire

// underRace: the race detector makes append(s, make(…)...) allocate twice, so
// what decoding allocates is not what it does in production.
const underRace = true
