// Package meta is the cluster's metadata: the records that the metadata log
// holds, the immutable Image that they add up to, and the Delta between two
// images. Apply is pure: no clock, disk, socket or goroutine.
package meta

// Version is a version of the metadata's record formats and of what they mean.
type Version int16

// CurrentVersion is what this build writes for a new cluster.
const CurrentVersion Version = 1
