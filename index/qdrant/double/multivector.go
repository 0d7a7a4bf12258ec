package double

import (
	"engram/data/half"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxMultivector is the server's limit of the elements of one multivector.
const maxMultivector = 1 << 20

// multivector checks a multivector and rounds its elements to their datatype as the
// server does. The double compares none: no caller here searches multivectors.
func (c *collection) multivector(name string, v *api.MultiDenseVector) ([]*api.DenseVector, error) {
	params := c.create.GetVectorsConfig().GetParamsMap().GetMap()[name]
	switch {
	case params == nil:
		return nil, status.Errorf(codes.InvalidArgument, "Wrong input: Not existing vector name error: %s", name)
	case params.GetMultivectorConfig() == nil:
		return nil, status.Errorf(codes.InvalidArgument, "Wrong input: Conversion between multi and regular vectors failed")
	case params.GetDistance() == api.Distance_Cosine:
		return nil, status.Error(codes.Unimplemented, "multivectors of a cosine distance")
	case len(v.GetVectors()) == 0:
		return nil, status.Error(codes.InvalidArgument, "Validation error in body: [multivector must not be empty]")
	case uint64(len(v.GetVectors()))*params.GetSize() > maxMultivector:
		return nil, status.Errorf(codes.InvalidArgument, "Validation error in body: [multivector of %d elements, %d at most]", uint64(len(v.GetVectors()))*params.GetSize(), maxMultivector)
	}
	kept := make([]*api.DenseVector, len(v.GetVectors()))
	for i, one := range v.GetVectors() {
		if uint64(len(one.GetData())) != params.GetSize() {
			return nil, status.Errorf(codes.InvalidArgument, "Wrong input: Vector dimension error: expected dim: %d, got %d", params.GetSize(), len(one.GetData()))
		}
		kept[i] = &api.DenseVector{Data: rounded(one.GetData(), params.GetDatatype())}
	}
	return kept, nil
}

// rounded returns elements as a datatype has them: float16 to the nearest, uint8
// without fraction and within its range.
func rounded(elements []float32, kind api.Datatype) []float32 {
	kept := make([]float32, len(elements))
	for i, x := range elements {
		switch kind {
		case api.Datatype_Float16:
			kept[i] = half.Float32(half.Bits(x))
		case api.Datatype_Uint8:
			if x == x { // NaN becomes 0
				kept[i] = float32(uint8(max(0, min(255, x))))
			}
		default:
			kept[i] = x
		}
	}
	return kept
}
