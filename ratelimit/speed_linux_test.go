package ratelimit

import (
	"strings"
	"testing"
	"testing/fstest"
)

const (
	routes4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n" +
		"eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n" +
		"eth1\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
	zeros   = "00000000000000000000000000000000"
	routes6 = zeros + " 00 " + zeros + " 00 " + zeros + " ffffffff 00000001 00000000 00200200       lo\n" +
		zeros + " 00 " + zeros + " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth1\n"
)

func TestLinkSpeed(t *testing.T) {
	for _, row := range []struct {
		name  string
		files map[string]string
		link  string
		speed Rate
		err   string
	}{
		{"default route of the lowest metric", map[string]string{"proc/net/route": routes4, "eth0/speed": "100\n", "wlan0/speed": "1000\n"}, "eth0", 100 * MbitPerSecond, ""},
		{"only IPv6", map[string]string{"proc/net/route": "Iface\n", "proc/net/ipv6_route": routes6, "eth1/speed": "2500\n"}, "eth1", 2500 * MbitPerSecond, ""},
		{"driver does not know", map[string]string{"proc/net/route": routes4, "eth0/speed": "-1\n", "eth1/speed": "1000\n"}, "eth0", 0, "eth0 does not tell"},
		{"no such file", map[string]string{"proc/net/route": routes4}, "eth0", 0, "eth0 does not tell"},
		{"no route: the fastest that is up", map[string]string{
			"eth0/speed": "100\n", "eth0/operstate": "up\n", "eth1/speed": "1000\n", "eth1/operstate": "up\n", "eth2/speed": "10000\n", "eth2/operstate": "down\n",
		}, "eth1", GbitPerSecond, ""},
		{"nothing is up", map[string]string{"eth0/speed": "100\n", "eth0/operstate": "down\n"}, "", 0, "no network interface"},
		{"nothing at all", nil, "", 0, "sys/class/net"},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range row.files {
				if !strings.HasPrefix(name, "proc/") {
					name = "sys/class/net/" + name
				}
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			link, speed, err := linkSpeed(root)
			if link != row.link || speed != row.speed || (err == nil) != (row.err == "") {
				t.Fatalf("%q, %v, %v; want %q, %v, %q", link, speed, err, row.link, row.speed, row.err)
			}
			if err != nil && (!strings.Contains(err.Error(), row.err) || !strings.Contains(err.Error(), `capacity = "`)) {
				t.Errorf("%v: want %q and what to do", err, row.err)
			}
		})
	}
}

func TestLinkSpeedOfThisMachine(t *testing.T) {
	name, speed, err := LinkSpeed()
	if err == nil && (name == "" || speed <= 0) {
		t.Errorf("%q, %v and no error", name, speed)
	}
	t.Log(name, speed, err)
}
