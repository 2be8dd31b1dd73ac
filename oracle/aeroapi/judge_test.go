package aeroapi

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"aval/domain"
)

func at(text string) domain.Millis {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return domain.Millis(t.UnixMilli())
}

func query() domain.FlightQuery {
	return domain.FlightQuery{
		Carrier: "NK", Number: "612", Origin: "LAS", Destination: "MSP",
		ScheduledOut: at("2015-01-02T08:25:00Z"), ScheduledIn: at("2015-01-02T11:26:00Z"),
	}
}

func recordedBody(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type members = map[string]any

// edited is the recorded answer with each row's members replaced; one row per edit.
func edited(t *testing.T, edits ...members) []byte {
	t.Helper()
	var body struct {
		Links    any       `json:"links"`
		NumPages int       `json:"num_pages"`
		Flights  []members `json:"flights"`
	}
	if err := json.Unmarshal(recordedBody(t, "landed.json"), &body); err != nil {
		t.Fatal(err)
	}
	landed := body.Flights[0]
	body.Flights = []members{}
	for _, edit := range edits {
		row := maps.Clone(landed)
		maps.Copy(row, edit)
		body.Flights = append(body.Flights, row)
	}
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func judged(t *testing.T, body []byte, q domain.FlightQuery, now string) domain.FlightStatus {
	t.Helper()
	a, code, err := decode(body)
	if err != nil || code != 200 {
		t.Fatalf("decode: %d, %v", code, err)
	}
	s := domain.FlightStatus{Phase: domain.FlightUnknown, Reason: "no-match"}
	list{rows: a.rows()}.judge(q, at(now), &s)
	return s
}

const evening = "2015-01-02T23:00:00Z"

func TestLandedFlight(t *testing.T) {
	got := judged(t, recordedBody(t, "landed.json"), query(), evening)
	want := domain.FlightStatus{
		Phase: domain.FlightLanded, ScheduledOut: at("2015-01-02T08:25:00Z"), ScheduledIn: at("2015-01-02T11:26:00Z"),
		ActualOut: at("2015-01-02T10:04:00Z"), ActualOn: at("2015-01-02T12:55:00Z"), ActualIn: at("2015-01-02T13:04:00Z"),
		ProviderID: "NKS612-1419920000-schedule-0141",
	}
	if got.Phase != want.Phase || got.Reason != "" || got.ActualIn != want.ActualIn || got.ActualOn != want.ActualOn || got.ActualOut != want.ActualOut ||
		got.ScheduledIn != want.ScheduledIn || got.ScheduledOut != want.ScheduledOut || got.ProviderID != want.ProviderID {
		t.Errorf("got %+v", got)
	}
}

func TestPhases(t *testing.T) {
	flying := members{"actual_on": nil, "actual_in": nil}
	with := func(base, edit members) members {
		all := maps.Clone(base)
		maps.Copy(all, edit)
		return all
	}
	for name, c := range map[string]struct {
		edit          members
		phase, reason string
	}{
		"landed":                           {members{}, "landed", ""},
		"landed, delay absent":             {members{"arrival_delay": nil}, "landed", ""},
		"landed without actual out":        {members{"actual_out": nil}, "landed", ""},
		"general aviation":                 {members{"type": "General_Aviation"}, "landed", ""},
		"status text of another world":     {members{"status": "XX"}, "landed", ""},
		"status says landed, no gate time": {members{"actual_in": nil}, "pending", ""},
		"estimate two hours late":          {with(flying, members{"arrival_delay": 7200, "estimated_in": "2015-01-02T13:26:00Z"}), "pending", ""},
		"nothing actual":                   {with(flying, members{"actual_out": nil, "scheduled_in": nil}), "pending", ""},
		"cancelled":                        {with(flying, members{"cancelled": true, "actual_out": nil}), "cancelled", ""},
		"cancelled after return to gate":   {with(flying, members{"cancelled": true}), "cancelled", ""},
		"reinstated":                       {with(flying, members{"cancelled": false, "status": "Reinstated"}), "pending", ""},
		"diverted":                         {with(flying, members{"diverted": true}), "diverted", ""},
		"diverted, then arrived as booked": {members{"diverted": true}, "diverted", ""},
		"cancelled and landed":             {members{"cancelled": true}, "unknown", "contradictory"},
		"cancelled and on the runway":      {members{"cancelled": true, "actual_in": nil}, "unknown", "contradictory"},
		"cancelled and diverted":           {with(flying, members{"cancelled": true, "diverted": true}), "unknown", "contradictory"},
		"in before out":                    {members{"actual_in": "2015-01-02T10:04:00Z"}, "unknown", "contradictory"},
		"in the future":                    {members{"actual_in": "2015-01-02T23:05:01Z"}, "unknown", "contradictory"},
		"as far ahead as clocks may be":    {members{"actual_in": "2015-01-02T23:05:00Z"}, "landed", ""},
		"out in the future":                {with(flying, members{"actual_out": "2015-01-03T10:04:00Z"}), "unknown", "contradictory"},
		"schedule runs backwards":          {members{"scheduled_in": "2015-01-02T08:25:00Z"}, "unknown", "contradictory"},
		"local time without an offset":     {members{"actual_in": "2015-01-02T13:04:00"}, "unknown", "contradictory"},
		"a sentinel for a time":            {members{"actual_in": "1969-12-31T23:59:59Z"}, "unknown", "contradictory"},
		"empty time":                       {members{"actual_in": ""}, "unknown", "contradictory"},
		"unlisted type":                    {members{"type": "Drone"}, "unknown", "ambiguous"},
		"blocked":                          {members{"blocked": true}, "unknown", "ambiguous"},
	} {
		got := judged(t, edited(t, c.edit), query(), evening)
		if string(got.Phase) != c.phase || got.Reason != c.reason {
			t.Errorf("%s: %s %q, want %s %q", name, got.Phase, got.Reason, c.phase, c.reason)
		}
	}
}

func TestExactlyOneRowIsTheLeg(t *testing.T) {
	place := func(code string) members {
		return members{"code": code, "code_icao": nil, "code_iata": nil, "code_lid": nil}
	}
	for name, c := range map[string]struct {
		rows  []members
		query func(*domain.FlightQuery)
		want  string
	}{
		"one":                           {[]members{{}}, nil, "landed"},
		"none":                          {nil, nil, "no-match"},
		"the same row twice":            {[]members{{}, {}}, nil, "landed"},
		"two rows":                      {[]members{{}, {"fa_flight_id": "other"}}, nil, "ambiguous"},
		"two answers of one ID":         {[]members{{}, {"diverted": true, "actual_in": nil}}, nil, "ambiguous"},
		"diversion's other row":         {[]members{{"diverted": true, "actual_on": nil, "actual_in": nil}, {"destination": place("KORD")}}, nil, "diverted"},
		"next day's flight":             {[]members{{}, {"fa_flight_id": "n", "scheduled_out": "2015-01-03T08:25:00Z", "scheduled_in": nil}}, nil, "landed"},
		"only the next day's":           {[]members{{"scheduled_out": "2015-01-03T08:25:00Z", "scheduled_in": nil}}, nil, "no-match"},
		"retimed by three hours":        {[]members{{"scheduled_out": "2015-01-02T11:25:00Z", "scheduled_in": nil, "actual_out": nil}}, nil, "landed"},
		"retimed by the tolerance":      {[]members{{"scheduled_out": "2015-01-02T02:25:00Z"}}, nil, "landed"},
		"beyond the tolerance":          {[]members{{"scheduled_out": "2015-01-02T02:24:59Z"}}, nil, "no-match"},
		"no schedule":                   {[]members{{"scheduled_out": nil}}, nil, "no-match"},
		"schedule that cannot be read":  {[]members{{"scheduled_out": "soon"}}, nil, "no-match"},
		"position only":                 {[]members{{"position_only": true}}, nil, "no-match"},
		"other origin":                  {[]members{{"origin": place("KLAX")}}, nil, "no-match"},
		"other destination":             {[]members{{"destination": place("KORD")}}, nil, "no-match"},
		"no destination":                {[]members{{"destination": nil}}, nil, "no-match"},
		"operator of the same IATA":     {[]members{{"operator_iata": "ZZ"}}, nil, "no-match"},
		"codeshare's operating flight":  {[]members{{"flight_number": "5612"}}, nil, "no-match"},
		"number not given":              {[]members{{"flight_number": nil, "operator": nil, "operator_icao": nil, "operator_iata": nil}}, nil, "landed"},
		"number with zeros":             {[]members{{"flight_number": "0612"}}, func(q *domain.FlightQuery) { q.Number = "00612" }, "landed"},
		"ICAO codes in the query":       {[]members{{}}, func(q *domain.FlightQuery) { q.Carrier, q.Origin, q.Destination = "NKS", "KLAS", "KMSP" }, "landed"},
		"ICAO carrier of another":       {[]members{{}}, func(q *domain.FlightQuery) { q.Carrier = "AAL" }, "no-match"},
		"only the code member is given": {[]members{{"origin": place("LAS")}}, nil, "landed"},
	} {
		q := query()
		if c.query != nil {
			c.query(&q)
		}
		got := judged(t, edited(t, c.rows...), q, evening)
		if got.Reason != c.want && string(got.Phase) != c.want {
			t.Errorf("%s: %s %q, want %s", name, got.Phase, got.Reason, c.want)
		}
	}
}

func TestSecondLegOfANumberIsNotItsFirst(t *testing.T) {
	body := recordedBody(t, "same-number.json")
	first := domain.FlightQuery{Carrier: "NK", Number: "188", Origin: "OAK", Destination: "LAS", ScheduledOut: at("2015-01-02T17:50:00Z")}
	second := domain.FlightQuery{Carrier: "NK", Number: "188", Origin: "LAS", Destination: "DTW", ScheduledOut: at("2015-01-02T20:05:00Z")}
	if got := judged(t, body, first, evening); got.ProviderID != "NK188-a" || got.Phase != domain.FlightLanded {
		t.Errorf("first leg: %+v", got)
	}
	if got := judged(t, body, second, evening); got.ProviderID != "NK188-b" || got.Phase != domain.FlightPending {
		t.Errorf("second leg: %+v", got)
	}
}

func TestDecode(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		code int
		ok   bool
	}{
		"empty list":           {`{"links":null,"num_pages":1,"flights":[]}`, 200, true},
		"links without next":   {`{"links":{},"flights":[]}`, 200, true},
		"next is null":         {`{"links":{"next":null},"flights":[]}`, 200, true},
		"error body":           {`{"title":"x","reason":"y","detail":"z","status":429}`, 429, true},
		"flights is null":      {`{"links":null,"flights":null}`, 0, false},
		"error of another API": {`{"error":{"errorCode":"X"}}`, 0, false},
		"status of success":    {`{"status":200}`, 0, false},
		"array":                {`[]`, 0, false},
		"truncated":            {`{"links":null,"flights":[{"ident":"`, 0, false},
		"two values":           {`{"flights":[]}{}`, 0, false},
		"empty":                {``, 0, false},
		"HTML":                 {`<html>`, 0, false},
		"flights of text":      {`{"flights":["a"]}`, 0, false},
		"flag of text":         {`{"flights":[{"cancelled":"no"}]}`, 0, false},
	} {
		a, code, err := decode([]byte(c.body))
		if code != c.code || (err == nil) != c.ok || a.cursor() != "" {
			t.Errorf("%s: %d, %v", name, code, err)
		}
	}
}

func TestWindowStaysWithinTheService(t *testing.T) {
	now := time.Date(2015, 1, 2, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		out  time.Duration
		open bool
	}{
		"today": {0, true}, "tomorrow": {24 * time.Hour, true}, "in two days": {48 * time.Hour, true}, "in three": {72 * time.Hour, false},
		"nine days ago": {-9 * 24 * time.Hour, true}, "ten days ago": {-10 * 24 * time.Hour, true}, "eleven": {-11 * 24 * time.Hour, false},
	} {
		q := domain.FlightQuery{ScheduledOut: domain.Millis(now.Add(c.out).UnixMilli())}
		start, end, open := window(q, now)
		if open != c.open {
			t.Errorf("%s: open is %v", name, open)
		}
		if open && (now.Sub(start) >= 10*24*time.Hour || end.Sub(now) >= 48*time.Hour) {
			t.Errorf("%s: %v to %v reaches beyond the service", name, start, end)
		}
		out := now.Add(c.out)
		if name == "today" && (!start.Equal(out.Add(-MatchTolerance)) || !end.After(out.Add(MatchTolerance))) {
			t.Errorf("%s: %v to %v", name, start, end)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(recordedBody(f, "landed.json"))
	f.Add(recordedBody(f, "same-number.json"))
	f.Add([]byte(`{"links":{"next":"/flights/X?cursor=a"},"flights":[]}`))
	now := at(evening)
	f.Fuzz(func(t *testing.T, body []byte) {
		a, _, err := decode(body)
		if err != nil {
			return
		}
		a.cursor()
		s := domain.FlightStatus{Phase: domain.FlightUnknown, Reason: "no-match"}
		list{rows: a.rows()}.judge(query(), now, &s)
		phases := []domain.FlightPhase{domain.FlightPending, domain.FlightLanded, domain.FlightCancelled, domain.FlightDiverted, domain.FlightUnknown}
		if !slices.Contains(phases, s.Phase) || (s.Phase == domain.FlightUnknown) != (s.Reason != "") {
			t.Fatalf("phase %q, reason %q", s.Phase, s.Reason)
		}
		if s.Phase == domain.FlightLanded && (s.ActualIn == 0 || s.ActualIn > now+300_000) {
			t.Fatalf("landed at %d", s.ActualIn)
		}
	})
}
