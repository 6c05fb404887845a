// Package meta is the cluster's metadata: the records that the metadata log
// holds, the immutable Image that they add up to, the Delta between two images,
// and the snapshot of an image.
//
// All of it is pure: no clock, disk, socket, goroutine or lock. An Image and
// what it points to never change once Apply has returned it. The package
// imports only model, and plant for mistakes on purpose.
package meta
