package api

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"aval/domain"
	"aval/ledger"
)

// The forms in which a list is given.
const (
	asJSON = "application/json"
	asCSV  = "text/csv"
)

// maxAcceptRanges bounds the media ranges of an Accept header that are looked at.
const maxAcceptRanges = 32

// form chooses between the forms: format, if it is given, else the Accept header.
func (c call) form() (string, error) {
	switch c.query["format"] {
	case "csv":
		return asCSV, nil
	case "json":
		return asJSON, nil
	case "":
		return preferred(c.Request().Header.Values(echo.HeaderAccept)), nil
	}
	return "", domain.Refuse(domain.Malformed, "format: want json or csv")
}

// preferred is the form that an Accept header prefers, RFC 9110 section 12.5.1. JSON unless CSV
// is preferred; what asks for neither gets JSON too, as that section allows.
func preferred(headers []string) string {
	quality := map[string]float64{}
	for i, part := range strings.Split(strings.Join(headers, ","), ",") {
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil || i >= maxAcceptRanges {
			continue
		}
		q := 1.0
		if text, given := parameters["q"]; given {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		quality[media] = q
	}
	of := func(media, class string) float64 {
		for _, name := range []string{media, class, "*/*"} {
			if q, given := quality[name]; given {
				return q
			}
		}
		return 0
	}
	if of(asCSV, "text/*") > of(asJSON, "application/*") {
		return asCSV
	}
	return asJSON
}

// tabular is a list that can also be given as a table.
type tabular interface{ Table() ledger.Table }

// give answers with a list. As a table it has no place for its next, so that a Link header names
// the page after it (RFC 8288); the JSON form has both.
func (c call) give(form string, list tabular, parameter, next string) error {
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderAccept)
	if next != "" {
		values, _ := url.ParseQuery(c.Request().URL.RawQuery) // parseQuery has refused what does not parse
		values.Set(parameter, next)
		c.Response().Header().Set("Link", "<"+c.Request().URL.EscapedPath()+"?"+values.Encode()+`>; rel="next"`)
	}
	if form == asJSON {
		return c.JSON(http.StatusOK, list)
	}
	var text bytes.Buffer
	if err := list.Table().Write(&text); err != nil {
		return err
	}
	return c.Blob(http.StatusOK, asCSV+"; charset=utf-8; header=present", text.Bytes())
}
