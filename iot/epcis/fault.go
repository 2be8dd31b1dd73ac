package epcis

import (
	"slices"
	"strings"

	"aval/domain"
)

// Exception is something that a sound document says and that cannot be: an identifier with a
// wrong check digit, a temperature in kilograms. What it concerns is never evidence.
type Exception struct {
	// Rule is the rule of the standard in a few letters, Path the place in the document.
	Rule string `json:"rule"`
	Path string `json:"path"`
	Text string `json:"text"`
}

// fault is a refusal that learns its path on the way out, so that sound documents pay nothing for it.
type fault struct {
	code domain.Code
	// steps lead from the fault outwards, each ".name" or "[index]".
	steps []string
	text  string
}

func (f *fault) Error() string { return f.path() + ": " + f.text }

func (f *fault) path() string {
	steps := slices.Clone(f.steps)
	slices.Reverse(steps)
	return strings.TrimPrefix(strings.Join(steps, ""), ".")
}

func malformed(text string) error { return &fault{code: domain.Malformed, text: text} }
func tooMany(text string) error   { return &fault{code: domain.LimitExceeded, text: text} }

// under puts an error below a step of the path.
func under(step string, err error) error {
	if f, ok := err.(*fault); ok {
		f.steps = append(f.steps, step)
	}
	return err
}

// rejection is what the caller of the package gets.
func rejection(document string, err error) error {
	f, ok := err.(*fault)
	if !ok {
		return err
	}
	path := f.path()
	if path == "" {
		path = document
	}
	return domain.Refuse(f.code, "%.240s: %.200s", path, f.text)
}
