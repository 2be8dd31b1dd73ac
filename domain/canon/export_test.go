package canon

// The two ways of DecodeJSON, for tests that compare them.
var (
	ReadJSON    = readJSON
	ExplainJSON = explainJSON
)
