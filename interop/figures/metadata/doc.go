// Command metadata measures what very many partitions cost the metadata, in one process,
// with the code that brokers run and without them: thirty registered brokers that have a
// million partitions, three copies each, in a quorum of one voter whose log and snapshots
// are on the disk. It prints what the image takes, how long snapshots are written and
// read, what commands and elections take with so much around them, and how long it is
// until a new controller holds its office. It judges nothing.
package main
