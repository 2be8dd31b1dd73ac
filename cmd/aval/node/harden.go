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
	for name, reason := range c.Relax { //tidy:ordered any error will do
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
	h := &Hardening{}
	if config.Hardening != nil {
		h.relaxed = config.Hardening.Relax
	}
	h.Measures = enclave.Harden(h.relaxed)
	f, err := OpenFolder(dir)
	return f, h, err
}

// Confine keeps this process to the folder and to the services that its configuration names, for good, and logs every
// measure that is not on. What is open stays open: it comes after Open.
func (h *Hardening) Confine(f *Folder, log *slog.Logger) error {
	reach, err := f.reach()
	if err != nil {
		return err
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

// reach is what a node of this folder still needs once it runs.
func (f *Folder) reach() (enclave.Reach, error) {
	r := enclave.Reach{Folder: f.Dir, Devices: enclave.DevicesOf(f.Platform)}
	services, err := f.services()
	for _, service := range services {
		port, unclear := portOf(service)
		if unclear != nil {
			return r, unclear
		}
		r.Ports = append(r.Ports, port)
	}
	return r, err
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
