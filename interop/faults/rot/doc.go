// Package rot damages files of a broker that is down, as a disk that goes bad would: it
// flips bits, or cuts files off. It takes the files of partitions, and leaves the
// metadata's alone, whose loss nobody promises to survive.
package rot
