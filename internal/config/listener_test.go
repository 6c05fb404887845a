package config

import (
	"cmp"
	"os"
	"reflect"
	"testing"

	"github.com/chronik/chronik/internal/server"
)

func TestListenersAreDecidedFromEveryForm(t *testing.T) {
	f := func(u user, want ...Listener) {
		t.Helper()
		for i := range want {
			want[i].Protocol = cmp.Or(want[i].Protocol, server.Plaintext)
		}
		c, err := u.load(t)
		if err != nil {
			t.Errorf("%+v: %v", u, err)
		} else if !reflect.DeepEqual(c.Listeners, want) {
			t.Errorf("%+v:\ngot  %+v\nwant %+v", u, c.Listeners, want)
		}
	}
	plain := func(host string, port uint16, binds ...string) Listener {
		return Listener{Name: "PLAINTEXT", Binds: binds, AdvertisedHost: host, AdvertisedPort: port}
	}
	f(user{args: []string{"--advertised-addr", "localhost", "--kafka-port", "9095"}}, plain("localhost", 9095, "127.0.0.1:9095", "[::1]:9095"))
	f(user{args: []string{"--advertised-addr", "127.0.0.1"}}, plain("127.0.0.1", 9092, "127.0.0.1:9092", "[::1]:9092"))
	f(user{args: []string{"--advertised-addr", "[::1]"}}, plain("::1", 9092, "127.0.0.1:9092", "[::1]:9092"))
	f(user{args: []string{"--advertised-addr", "broker.example"}}, plain("broker.example", 9092, ":9092"))
	f(user{args: []string{"--advertised-addr", "10.1.2.3", "--kafka-port=0"}}, plain("10.1.2.3", 0, ":0"))
	f(user{file: "advertised.listeners=PLAINTEXT://broker.example:19092\n"}, plain("broker.example", 19092, ":9092"))
	f(user{file: "advertised.listeners=PLAINTEXT://localhost:19092\n"}, plain("localhost", 19092, "127.0.0.1:9092", "[::1]:9092"))
	f(user{file: "listeners=PLAINTEXT://0.0.0.0:9092\n"}, plain("box", 9092, "0.0.0.0:9092"))
	f(user{file: "listeners=PLAINTEXT://[::]:9092\n"}, plain("box", 9092, "[::]:9092"))
	f(user{file: "listeners=plaintext://127.0.0.1:0\n"}, plain("127.0.0.1", 0, "127.0.0.1:0"))
	auto := func(port uint16, bind string) Listener {
		return Listener{Name: "PLAINTEXT", Binds: []string{bind}, AdvertisedPort: port, AdvertiseAuto: true}
	}
	f(user{args: []string{"--advertised-addr", "auto"}}, auto(9092, ":9092"))
	f(user{file: "advertised.listeners=PLAINTEXT://AUTO:19092\n"}, auto(19092, ":9092"))
	f(user{file: "listeners=PLAINTEXT://10.0.0.1:1\nadvertised.addr=auto\n"}, auto(1, "10.0.0.1:1"))
	f(user{file: "listeners=PLAINTEXT://:9092\n", args: []string{"--kafka-port=9099", "--advertised-addr=me"}}, plain("me", 9099, ":9099"))
	f(user{file: "listeners=IN://10.0.0.1:1, OUT://:2\nlistener.security.protocol.map=in:plaintext,OUT:PLAINTEXT\nadvertised.listeners=OUT://out.example:3\n"},
		Listener{Name: "IN", Binds: []string{"10.0.0.1:1"}, AdvertisedHost: "10.0.0.1", AdvertisedPort: 1},
		Listener{Name: "OUT", Binds: []string{":2"}, AdvertisedHost: "out.example", AdvertisedPort: 3})
}

func TestListenersThatCannotWorkAreRefusedInASentence(t *testing.T) {
	f := func(file, want string, args ...string) {
		t.Helper()
		_, err := user{file: file, args: args}.load(t)
		if err == nil {
			t.Errorf("%q was accepted, want: %s", file, want)
		} else if err.Error() != want {
			t.Errorf("error %q\nwant  %q", err, want)
		}
	}
	const at = "server.properties:1: "
	f("listeners=PLAINTEXT:9092\n", at+`listeners: "PLAINTEXT:9092" is not of the form NAME://host:port`)
	f("listeners=PLAINTEXT://x\n", at+`listeners: "PLAINTEXT://x" is not of the form NAME://host:port`)
	f("listeners=PLAINTEXT://x:99999\n", at+`listeners: "PLAINTEXT://x:99999": "99999" is not a port, which is a number from 0 to 65535`)
	f("listeners=PLAINTEXT://x y:1\n", at+`listeners: "PLAINTEXT://x y:1": "x y" is neither a host name nor an address`)
	f("listeners=PLAINTEXT://auto:1\n", at+"listeners: auto is for advertised.listeners; to listen at every address, write PLAINTEXT://:1")
	f("listeners=A://:1,A://:2\n", at+"listeners: A is given twice; each listener needs a name of its own")
	f("listeners=PLAINTEXT://:1,B://:1\n", at+"listeners PLAINTEXT and B share port 1; give each a port of its own")
	f("listeners=SASL_PLAINTEXT://:1\n", "listener SASL_PLAINTEXT speaks SASL_PLAINTEXT, and SASL is not served yet; use SSL, or PLAINTEXT on a network you trust")
	f("listeners=IN://:1\nlistener.security.protocol.map=IN:SASL_SSL\n", "listener IN speaks SASL_SSL, and SASL is not served yet; use SSL, with ssl.client.auth=required where clients have to show who they are")
	f("listeners=IN://:1\n", "listener IN has no protocol; add IN:PLAINTEXT or IN:SSL to listener.security.protocol.map")
	f("listener.security.protocol.map=PLAINTEXT:QUIC\n", "listener PLAINTEXT: QUIC is no protocol; use PLAINTEXT or SSL")
	f("listener.security.protocol.map=PLAINTEXT\n", at+`listener.security.protocol.map: "PLAINTEXT" is not of the form NAME:PROTOCOL`)
	f("listeners=C://:1\ncontroller.listener.names=C\n", at+"listeners leaves none for clients; add one, such as PLAINTEXT://:9092")
	f("advertised.listeners=PLAINTEXT://0.0.0.0:1\n", at+"advertised.listeners: clients cannot connect to PLAINTEXT://0.0.0.0:1; name a host or address they can reach")
	f("advertised.listeners=OUT://x:1\n", at+"advertised.listeners names OUT, which listeners does not have")
	f("kafka.port=1\nlisteners=PLAINTEXT://:2\n", at[:len(at)-2]+" and server.properties:2 (listeners) both say which port to listen on; leave one of them out")
	f("listeners=PLAINTEXT://:2,B://:3\n", "--kafka-port and server.properties:1 (listeners) both say which port to listen on; leave one of them out", "--kafka-port=1")
	f("advertised.addr=x\nadvertised.listeners=PLAINTEXT://y:2\n",
		"server.properties:1 and server.properties:2 (advertised.listeners) both say what clients are told; leave one of them out")
	f("advertised.addr=0.0.0.0\n", at+"clients cannot connect to 0.0.0.0; name a host or address they can reach")
	f("advertised.addr=x:9092\n", at+`"x:9092" is neither a host name nor an address; the port goes into kafka.port or advertised.listeners`)
}

func FuzzProperties(f *testing.F) {
	text, err := os.ReadFile("testdata/kafka-single.properties")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("peers=2@a:1\nnode.id=1\nraft.addr=:1\nadmin.addr=:2"))
	f.Add([]byte("listeners=SSL://:1,IN://:2\nlistener.security.protocol.map=IN:SSL\nssl.keystore.location=k\nlistener.name.in.ssl.client.auth=required\nssl.truststore.certificates=x"))
	f.Add([]byte("a\\\n  b : c\r\n! x\n\\u0041=${b}\n=\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseProperties("f", text)
		if err != nil {
			return
		}
		for name, v := range l {
			if v.Origin == "" {
				t.Errorf("%q has no origin", name)
			}
		}
		if _, err := l.check(); err != nil {
			return
		}
		g, err := merge(l)
		if err != nil {
			t.Fatal(err)
		}
		if listening, err := decideListeners(g, func() (string, error) { return "box", nil }); err == nil {
			if len(listening.listeners) == 0 {
				t.Error("no listener")
			}
			for _, asked := range [...]bool{false, true} {
				if c, err := decideCluster(g, asked, listening); err == nil && asked && c.cluster == nil {
					t.Error("no cluster")
				}
			}
			_, _ = decideAdmin(g, listening.bound)
		}
		build(g, Memory{}) // panics where check let a value through that cannot be read
	})
}

func FuzzEndpoint(f *testing.F) {
	for _, seed := range []string{"PLAINTEXT://:9092", "a://[::1%eth0]:1", "x://host:65535", "://:1", "a://::1:2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, item string) {
		e, err := parseEndpoint(item)
		if err != nil {
			return
		}
		again, err := parseEndpoint(e.String())
		if err != nil || again != e {
			t.Fatalf("%q is %+v, written %s, read again %+v, %v", item, e, e, again, err)
		}
		if len(e.binds()) == 0 {
			t.Fatal("nothing to bind")
		}
	})
}
