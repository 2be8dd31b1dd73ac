package node

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"

	"aval/ledger/enclave"
	"aval/oracle/aeroapi"
)

// HardeningConfig leaves out measures of hardening. All are taken otherwise, as far as the machine can.
type HardeningConfig struct {
	// Relax gives the reason for each measure that is not taken; see enclave.Measures.
	Relax map[string]string `json:"relax"`
}

func (c *HardeningConfig) check() error {
	if c == nil {
		return nil
	}
	return checkRelaxed(c.Relax)
}

func checkRelaxed(relaxed map[string]string) error {
	for name, reason := range relaxed { //tidy:ordered any error will do
		if !slices.Contains(enclave.Measures(), name) {
			return fmt.Errorf("hardening.relax %.80q: want one of %q", name, enclave.Measures())
		}
		if reason == "" {
			return fmt.Errorf("hardening.relax.%s: want the reason", name)
		}
	}
	return nil
}

// Hardening is what was done to protect this process.
type Hardening struct {
	relaxed  map[string]string
	Measures []enclave.Measure
}

// OpenHardened is OpenFolder in a process that protects its memory, as the folder's configuration wants it,
// before it reads the keys.
func OpenHardened(dir string) (*Folder, *Hardening, error) {
	if err := checkFolder(dir); err != nil {
		return nil, nil, err
	}
	config, err := readConfig(filepath.Join(dir, configFile))
	if err != nil {
		return nil, nil, err
	}
	var relaxed map[string]string
	if config.Hardening != nil {
		relaxed = config.Hardening.Relax
	}
	h, err := Harden(relaxed)
	if err != nil {
		return nil, nil, err
	}
	f, err := OpenFolder(dir)
	return f, h, err
}

// Harden protects the memory of this process, but for what is relaxed, each measure with its reason.
func Harden(relaxed map[string]string) (*Hardening, error) {
	if err := checkRelaxed(relaxed); err != nil {
		return nil, err
	}
	return &Hardening{relaxed: relaxed, Measures: enclave.Harden(relaxed)}, nil
}

// Confine keeps this process to the folder and to the services that its configuration names, for good, and logs every
// measure that is not on. What is open stays open: it comes after Open.
func (h *Hardening) Confine(f *Folder, log *slog.Logger) error {
	services, err := f.services()
	if err != nil {
		return err
	}
	return h.ConfineTo([]string{f.Dir}, enclave.DevicesOf(f.Platform), services, log)
}

// ConfineTo is Confine for any process: to folders, devices, and the ports of services by their URLs.
func (h *Hardening) ConfineTo(folders, devices, services []string, log *slog.Logger) error {
	reach := enclave.Reach{Folders: folders, Devices: devices}
	for _, service := range services {
		port, err := portOf(service)
		if err != nil {
			return err
		}
		reach.Ports = append(reach.Ports, port)
	}
	h.Measures = append(h.Measures, enclave.Confine(h.relaxed, reach)...)
	for _, m := range h.Measures {
		if m.State != enclave.MeasureOn {
			log.Warn("hardening", "measure", m.Name, "state", m.State, "why", m.Why)
		}
	}
	return nil
}

// ServeHTTP tells how this process is protected.
func (h *Hardening) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(h.Measures) // the caller has gone
}

// services are the URLs of all that the node connects to.
func (f *Folder) services() (urls []string, err error) {
	c := f.Config
	if c.Session != nil {
		urls = append(urls, c.Session.URL)
	}
	if c.Oracle != nil && c.Oracle.URL == "" {
		urls = append(urls, aeroapi.DefaultBaseURL)
	} else if c.Oracle != nil {
		urls = append(urls, c.Oracle.URL)
	}
	if c.Witnesses == nil {
		return urls, nil
	}
	policy, err := f.policy()
	for _, w := range policy.Witnesses() {
		urls = append(urls, w.URL)
	}
	return urls, err
}

// portOf is the port to connect to for a URL: that of the proxy, where the environment names one.
func portOf(service string) (uint16, error) {
	u, err := url.Parse(service)
	if err != nil {
		return 0, fmt.Errorf("find the port of a service: %w", err)
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err == nil && proxy != nil {
		u = proxy
	}
	text := u.Port()
	if text == "" {
		text = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("find the port of a service: %.80q has none", u.Host)
	}
	return uint16(port), nil
}
