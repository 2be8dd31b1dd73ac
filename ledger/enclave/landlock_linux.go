package enclave

import (
	"errors"
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	rights "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// The kernels' versions of Landlock that brought what is used.
const (
	landlockFiles  = 1 // Linux 5.13
	landlockPorts  = 4 // Linux 6.7
	landlockScopes = 6 // Linux 6.12
)

const (
	readable = rights.AccessFSReadFile | rights.AccessFSReadDir
	writable = readable | rights.AccessFSWriteFile | rights.AccessFSTruncate | rights.AccessFSMakeReg | rights.AccessFSMakeDir |
		rights.AccessFSRemoveFile | rights.AccessFSRemoveDir
	controllable = rights.AccessFSReadFile | rights.AccessFSWriteFile | rights.AccessFSIoctlDev | rights.AccessFSReadDir | rights.AccessFSMakeDir |
		rights.AccessFSRemoveDir | rights.AccessFSResolveUnix
)

// What finding a service by its name, and trusting its certificate, takes; see the packages net and crypto/x509.
var (
	resolverFiles = []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services"}
	trustFolders  = []string{
		"/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
	}
	zoneFolders = []string{"/usr/share/zoneinfo"}
)

const dnsPort = 53

// confine restricts all threads by one rule set, and says what of it could not be.
func confine(relaxed map[string]string, r Reach) map[string]error {
	version, err := rights.LandlockGetABIVersion()
	if err != nil {
		version = 0
	}
	failed, config := map[string]error{}, landlock.V11
	restricts := func(measure string, since int) bool {
		if version < since {
			failed[measure] = missingLandlock(version, since)
		}
		return failed[measure] == nil && relaxed[measure] == ""
	}
	var rules []landlock.Rule
	if !restricts(Files, landlockFiles) {
		config.HandledAccessFS = 0
	} else {
		rules = append(rules, fileRules(r)...)
	}
	if !restricts(Network, landlockPorts) {
		config.HandledAccessNet = 0
	} else {
		rules = append(rules, portRules(r.Ports)...)
	}
	if !restricts(OtherProcesses, landlockScopes) {
		config.Scoped = 0
	}
	if err := config.BestEffort().Restrict(rules...); err != nil {
		err = fmt.Errorf("restrict by Landlock: %w", err)
		return map[string]error{Files: err, Network: err, OtherProcesses: err}
	}
	return failed
}

func missingLandlock(version, since int) error {
	if version <= 0 {
		return errors.New("this kernel has no Landlock, or starts without it (Linux 5.13, boot parameter lsm=landlock,...)")
	}
	return fmt.Errorf("this kernel's Landlock is version %d, and this takes version %d", version, since)
}

func fileRules(r Reach) []landlock.Rule {
	rules := []landlock.Rule{
		landlock.PathAccess(writable, r.Folders...),
		landlock.PathAccess(readable, zoneFolders...).IgnoreIfMissing(),
	}
	// Its metrics. Never closed: a rule on a folder of /proc holds as long as somebody holds its inode.
	if own, err := unix.Open("/proc/self", unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
		rules = append(rules, landlock.PathAccess(readable, fmt.Sprintf("/proc/self/fd/%d", own)))
	}
	for _, device := range r.Devices {
		rules = append(rules, deviceRule(device))
	}
	if len(r.Ports) > 0 {
		rules = append(rules,
			landlock.PathAccess(rights.AccessFSReadFile, resolverFiles...).IgnoreIfMissing(),
			landlock.PathAccess(readable, trustFolders...).IgnoreIfMissing())
	}
	return rules
}

func deviceRule(path string) landlock.Rule {
	allowed := landlock.AccessFSSet(controllable)
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		allowed &^= rights.AccessFSReadDir | rights.AccessFSMakeDir | rights.AccessFSRemoveDir
	}
	return landlock.PathAccess(allowed, path).IgnoreIfMissing()
}

func portRules(ports []uint16) []landlock.Rule {
	var rules []landlock.Rule
	for _, port := range ports {
		rules = append(rules, landlock.ConnectTCP(port))
	}
	if len(ports) > 0 {
		rules = append(rules, landlock.ConnectTCP(dnsPort), landlock.BindUDP(0), landlock.ConnectSendUDP(dnsPort))
	}
	return rules
}
