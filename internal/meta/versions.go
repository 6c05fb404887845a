package meta

import (
	"fmt"
	"strconv"
)

// Version is a version of the metadata's record formats and of what they mean: 1, 2
// and so on. 0 is that of a cluster that has not been initialised.
//
// A record or a field of a record that came with a version is written only where at
// least that version is in force (Record.since, layoutOf). So all nodes of a cluster
// hold the same image, also those of an earlier build, which would overlook a field,
// and lose it in its snapshots. Records and fields that have been released never change.
type Version int16

// The versions. A later one comes with a row in releases.
const (
	Version1 Version = 1
	Version2 Version = 2
)

// Oldest is the first version that this build still reads and writes, and Newest the
// last, which new clusters begin with.
const (
	Oldest = Version1
	Newest = Version2
)

// Supported are the versions that this build knows.
var Supported = Range{Oldest: Oldest, Newest: Newest}

// release is what is said of a version.
type release struct {
	version Version
	// level is the version as Kafka's tools know it, as a level of its metadata.version;
	// they show it as name. It does not say that the records are Kafka's.
	level int16
	name  string
	// since is chronik's first release that knows the version.
	since string
	// format: there are records or fields that the version before does not have. The
	// cluster cannot go back beyond it.
	format bool
}

// releases are all versions, in their order.
var releases = []release{
	{version: Version1, level: 29, name: "4.2-IV1", since: "0.1", format: true},
	// A broker's registration has the versions that it supports.
	{version: Version2, level: 30, name: "4.3-IV0", since: "0.2", format: true},
}

// Feature is the name of the metadata version among Kafka's features.
const Feature = "metadata.version"

func (v Version) release() release {
	for _, r := range releases {
		if r.version == v {
			return r
		}
	}
	// Of a later build, or 0.
	return release{version: v, level: releases[0].level + int16(v-releases[0].version), name: "unknown", since: "later than this one"}
}

// Level is the version as a level of Kafka's metadata.version.
func (v Version) Level() int16 { return v.release().level }

// Since is chronik's first release that knows the version.
func (v Version) Since() string { return v.release().since }

// String is the level, with Kafka's name for it, as an operator knows it.
func (v Version) String() string {
	r := v.release()
	return strconv.Itoa(int(r.level)) + " (" + r.name + ")"
}

// VersionOf finds the version of a level of Kafka's metadata.version; false where there
// is none.
func VersionOf(level int16) (Version, bool) {
	for _, r := range releases {
		if r.level == level {
			return r.version, true
		}
	}
	return 0, false
}

// ChangesFormat reports whether a version after v, up to and with to, has records or
// fields that v does not have.
func (v Version) ChangesFormat(to Version) bool {
	for _, r := range releases {
		if r.version > v && r.version <= to && r.format {
			return true
		}
	}
	return false
}

// Range is the versions from Oldest to Newest. The zero one is that of who has said
// nothing.
type Range struct{ Oldest, Newest Version }

// IsZero reports whether nothing is known.
func (r Range) IsZero() bool { return r == Range{} }

// Contains reports whether a version is in the range.
func (r Range) Contains(v Version) bool { return r.Oldest <= v && v <= r.Newest }

func (r Range) String() string {
	if r.Oldest == r.Newest {
		return fmt.Sprintf("%s %s", Feature, r.Newest)
	}
	return fmt.Sprintf("%s %s to %s", Feature, r.Oldest, r.Newest)
}

// FirstRange is what builds support that do not say so: those of release 0.1.
var FirstRange = Range{Oldest: Version1, Newest: Version1}

// UnsupportedVersionError is a version in force that this build does not know.
type UnsupportedVersionError struct{ Version Version }

func (e *UnsupportedVersionError) Error() string {
	return fmt.Sprintf("the cluster's metadata.version is %s, and this build of chronik knows %s: start release %s or later",
		e.Version, Supported, e.Version.Since())
}

// VersionNeededError is a record that an earlier version does not have.
type VersionNeededError struct{ Needed, InForce Version }

func (e *VersionNeededError) Error() string {
	return fmt.Sprintf("%s %s is needed, and %s is in force: when all nodes run release %s or later, raise it with kafka-features upgrade --feature %s=%d",
		Feature, e.Needed, e.InForce, e.Needed.Since(), Feature, e.Needed.Level())
}

// allowed refuses a record that the version in force does not have.
func allowed(r Record, inForce Version) error {
	inForce = max(inForce, Oldest) // before the cluster is initialised
	if needed := r.since(); needed > inForce {
		return &VersionNeededError{Needed: needed, InForce: inForce}
	}
	return nil
}
