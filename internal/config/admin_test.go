package config

import "testing"

func TestAdminPagesAreOnLoopbackAboveThePortOfClients(t *testing.T) {
	f := func(want Admin, u user) {
		t.Helper()
		if c := mustLoad(t, u); c.Admin != want {
			t.Errorf("%+v: %+v, want %+v", u, c.Admin, want)
		}
	}
	f(Admin{Addr: "127.0.0.1:19092"}, user{})
	f(Admin{Addr: "127.0.0.1:19095"}, user{args: []string{"--kafka-port=9095", "--advertised-addr=a.example"}})
	f(Admin{Addr: "127.0.0.1:0"}, user{args: []string{"--kafka-port=0"}})
	f(Admin{Addr: "127.0.0.1:0"}, user{args: []string{"--kafka-port=55536"}})
	f(Admin{Addr: "127.0.0.1:65535"}, user{args: []string{"--kafka-port=55535"}})
	f(Admin{Addr: "0.0.0.0:8080", Given: true}, user{args: []string{"--admin-addr", "0.0.0.0:8080"}})
	f(Admin{Addr: "127.0.0.1:8080", Given: true}, user{environ: []string{"CHRONIK_ADMIN_ADDR=localhost:8080"}})
	f(Admin{Addr: "127.0.0.1:19092"}, user{environ: []string{"CHRONIK_ADMIN_ADDR="}})
	f(Admin{Given: true}, user{args: []string{"--admin-addr="}})
	f(Admin{Given: true}, user{file: "admin.addr=none\n"})
	f(Admin{Given: true}, user{file: "admin.addr=:1\n", args: []string{"--admin-addr="}})
	for text, want := range map[string]string{
		"19092": `--admin-addr: admin.addr: "19092" is not of the form host:port, nor is it none`,
		":9092": "--admin-addr: admin.addr and listener PLAINTEXT share port 9092; give each a port of its own",
	} {
		if _, err := (user{args: []string{"--admin-addr", text}}).load(t); err == nil || err.Error() != want {
			t.Errorf("--admin-addr %s: error %v, want %s", text, err, want)
		}
	}
}
