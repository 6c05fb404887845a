// Package certificate makes TLS configurations of certificates, keys and
// authorities in PEM, renews a listener's when its files change, and writes the
// subject of a certificate as Kafka names its user.
//
// It knows the settings by name, for its errors: each is one sentence that names
// the setting and says what to do, and none holds a part of a key.
//
// It starts no goroutine. Store.look is a leaf, and is held while files are read;
// a handshake that finds it taken goes on with what there is.
package certificate
