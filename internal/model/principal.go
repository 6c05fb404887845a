package model

// Principal is who a connection speaks for. It travels with every request.
type Principal struct {
	Type string // "User" so far
	Name string
}

// AnonymousPrincipal returns who speaks on a listener without authentication.
func AnonymousPrincipal() Principal { return Principal{Type: "User", Name: "ANONYMOUS"} }

func (p Principal) String() string { return p.Type + ":" + p.Name }
