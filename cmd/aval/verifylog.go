package main

import (
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/ledger"
)

// isLog tells a public log as files from a node's folder.
func isLog(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "checkpoint"))
	return err == nil
}

// verifyURL verifies the log of a node, under /log/, or files that some server holds under the URL itself. Everything
// in it is public and signed, so without flags any https server that the machine's authorities vouch for will do.
func verifyURL(c *cobra.Command, p *printer, url, policyPath string, t *trust) error {
	config := client.Config{URL: url, Transport: http.DefaultTransport}
	if t.policyPath != "" || t.pin != "" {
		keys, err := t.keys(url, "")
		if err != nil {
			return err
		}
		config.Trust, config.Transport = keys, nil
	}
	public, err := client.New(config)
	if err != nil {
		return err
	}
	prefix := "/log/"
	return verifyLog(c, p, policyPath, func(path string) ([]byte, error) {
		data, err := public.Get(c.Context(), prefix+path)
		var answer *client.Error
		if path == "checkpoint" && errors.As(err, &answer) && answer.Status == http.StatusNotFound {
			prefix = "/"
			return public.Get(c.Context(), prefix+path)
		}
		var unknown *tls.CertificateVerificationError
		if errors.As(err, &unknown) {
			err = fmt.Errorf("if this is a node, give --attest or --pin: %w", err)
		}
		return data, err
	})
}

// verifyLogFolder verifies a log as "aval export --log" wrote it. Files that its checkpoint
// does not ask for are not looked at.
func verifyLogFolder(c *cobra.Command, p *printer, dir, policyPath string) error {
	return verifyLog(c, p, policyPath, func(path string) ([]byte, error) {
		if err := c.Context().Err(); err != nil {
			return nil, err
		}
		return readBounded(filepath.Join(dir, filepath.FromSlash(path)), client.MaxResponseBytes)
	})
}

func verifyLog(c *cobra.Command, p *printer, policyPath string, fetch func(path string) ([]byte, error)) error {
	policy, err := readPolicy(policyPath)
	if err != nil {
		return err
	}
	report, err := ledger.VerifyLog(policy, fetch)
	if err != nil {
		return failed(c, p, err)
	}
	return p.print(c, map[string]any{"ok": true, "report": report, "root": hex.EncodeToString(report.Root)}, func(w io.Writer) {
		fmt.Fprintf(w, "the public log of %s is clean: %d leaves, %d batches; every leaf is under the signed head\n", report.Origin, report.Leaves, report.Batches)
		describePlatform(w, report.Platform)
	})
}
