package plan

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// formula is how a cell is worked out.
type formula struct {
	key, label string
	unit       Unit
	expr       string // in the syntax of Go, over variables and the keys of earlier cells
	source     string
}

// sheet holds the value of every variable and cell so far.
type sheet struct {
	values map[string]float64
	cells  []Cell
}

// errFormula reports an expression that does not evaluate. The formulas of this
// package all do: a test evaluates each of them.
var errFormula = errors.New("bad formula")

// add evaluates formulas in order and appends their cells.
func (s *sheet) add(formulas ...formula) error {
	for _, f := range formulas {
		tree, err := parser.ParseExpr(f.expr)
		if err != nil {
			return fmt.Errorf("%s = %s: %w: %w", f.key, f.expr, errFormula, err)
		}
		value, err := s.eval(tree)
		if err != nil {
			return fmt.Errorf("%s = %s: %w", f.key, f.expr, err)
		}
		s.values[f.key] = value
		s.cells = append(s.cells, Cell{
			Key: f.key, Label: f.label, Unit: f.unit, Value: value,
			Formula: f.expr, Numbers: s.fill(f.expr), Source: f.source,
		})
	}
	return nil
}

// sum returns the formula of the sum of those cells that begin with prefix and
// are not zero.
func (s *sheet) sum(prefix string) string {
	var keys []string
	for _, c := range s.cells {
		if strings.HasPrefix(c.Key, prefix) {
			keys = append(keys, c.Key)
		}
	}
	return strings.Join(keys, " + ")
}

// identifier matches a variable, and the bracket that makes it a function.
var identifier = regexp.MustCompile(`[A-Za-z]\w*\(?`)

// fill puts numbers in the place of the variables of an expression.
func (s *sheet) fill(expr string) string {
	return identifier.ReplaceAllStringFunc(expr, func(name string) string {
		if strings.HasSuffix(name, "(") {
			return name
		}
		return strconv.FormatFloat(s.values[name], 'g', 6, 64)
	})
}

// eval evaluates an expression of numbers, variables, + - * / and functions.
func (s *sheet) eval(e ast.Expr) (float64, error) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return s.eval(e.X)
	case *ast.BasicLit:
		return strconv.ParseFloat(e.Value, 64)
	case *ast.Ident:
		if v, ok := s.values[e.Name]; ok {
			return v, nil
		}
		return 0, fmt.Errorf("no variable %s: %w", e.Name, errFormula)
	case *ast.BinaryExpr:
		return s.binary(e)
	case *ast.CallExpr:
		return s.call(e)
	}
	return 0, fmt.Errorf("a %T: %w", e, errFormula)
}

func (s *sheet) binary(e *ast.BinaryExpr) (float64, error) {
	x, err := s.eval(e.X)
	if err != nil {
		return 0, err
	}
	y, err := s.eval(e.Y)
	if err != nil {
		return 0, err
	}
	switch e.Op {
	case token.ADD:
		return x + y, nil
	case token.SUB:
		return x - y, nil
	case token.MUL:
		return x * y, nil
	case token.QUO:
		return x / y, nil
	}
	return 0, fmt.Errorf("the operator %s: %w", e.Op, errFormula)
}

// call evaluates ceil(x), floor(x), log(x), min(x, y) and max(x, y).
func (s *sheet) call(e *ast.CallExpr) (float64, error) {
	var args [2]float64
	if len(e.Args) > len(args) {
		return 0, fmt.Errorf("a function of %d numbers: %w", len(e.Args), errFormula)
	}
	for i, arg := range e.Args {
		var err error
		if args[i], err = s.eval(arg); err != nil {
			return 0, err
		}
	}
	name, _ := e.Fun.(*ast.Ident)
	switch fmt.Sprint(name, len(e.Args)) {
	case "ceil 1":
		return math.Ceil(args[0]), nil
	case "floor 1":
		return math.Floor(args[0]), nil
	case "log 1":
		return math.Log(args[0]), nil
	case "min 2":
		return min(args[0], args[1]), nil
	case "max 2":
		return max(args[0], args[1]), nil
	}
	return 0, fmt.Errorf("the function %v of %d numbers: %w", name, len(e.Args), errFormula)
}
