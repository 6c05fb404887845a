package report

// figure is a plot with its text alternative: a sentence, and the numbers.
type figure struct {
	Caption  string
	Sentence string
	Columns  []string
	Rows     [][]string // the first of each is its header
	Plot     plot
}

// plot is what the script draws, as JSON.
type plot struct {
	ID     string  `json:"id"`   // of the element that it is drawn in
	Kind   kind    `json:"kind"` // how
	X      string  `json:"x"`    // what is along the axes, with the unit
	Y      string  `json:"y"`
	LogX   bool    `json:"logX"`
	LogY   bool    `json:"logY"`
	At     []value `json:"at"` // values of x; of steps, where each begins, and where the last ends
	Series []curve `json:"series"`
	Marks  []mark  `json:"marks"`
}

type kind string

const (
	lines kind = "lines"
	steps kind = "steps"
)

// curve is a line of a plot; colours and dashes go by its place.
type curve struct {
	Name   string  `json:"name"`
	Values []value `json:"values"` // one for each At
}

// mark is an upright line through a plot.
type mark struct {
	Name string `json:"name"`
	At   value  `json:"at"`
}
