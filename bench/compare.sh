#!/bin/sh
# The image tower against ONNX Runtime and PyTorch in one run, alternating:
#
#   bench/compare.sh PEERS NAME RES THREADS [ROUNDS [IMAGES [WHO]]]
#
# PEERS is a writable copy of ../shared/peers where setup.sh has run; NAME a shape of its clip_torch.py ("ViT-B-16"). Makes random
# weights, the ONNX file and the three .clip files there once. Each round (7) times IMAGES (5) warm images of each of WHO
# ("f32 onnxruntime bf16 q8"; pytorch is the fifth choice); at the end the best and the median of the rounds' best images,
# and how many times as fast as ONNX Runtime and as our own f32 each was. VOCAB: CLIP's merges, for the conversion.
set -e
peers=$1 name=$2 res=$3 threads=$4 rounds=${5:-7} images=${6:-5} who=${7:-"f32 onnxruntime bf16 q8"}
lake=${LAKE:-./lake} python=${PYTHON:-/usr/bin/python3} vocab=${VOCAB:-../shared/data/bpe_simple_vocab_16e6.txt.gz}
base=$peers/$name

[ -f "$base.safetensors" ] || "$python" "$peers/clip_torch.py" make "$name" "$base.safetensors"
[ -f "$base-$res.onnx" ] || "$python" "$peers/clip_torch.py" onnx "$base.safetensors" "$base-$res.onnx" --res "$res"
for type in f32 bf16 q8; do
    [ -f "$base-$type.clip" ] || "$lake" convert "$base.safetensors" --vocab "$vocab" --dtype "$type" -o "$base-$type.clip" 2>/dev/null
done

# Seconds of the best of some warm images.
best_of() {
    case $1 in
    onnxruntime) (cd "$peers" && node ort_time.mjs "$name-$res.onnx" "$res" "$threads" "$images") | sed 's/.*: \([0-9.]*\) s.*/\1/' ;;
    pytorch) "$python" "$peers/clip_torch.py" time "$base.safetensors" --res "$res" --threads "$threads" --runs "$images" |
        sed 's/.*[: ]\([0-9.]*\) s.*/\1/' ;;
    *) OMP_NUM_THREADS=$threads "$lake" bench --weights "$base-$1.clip" --res "$res" --runs "$images" --json |
        sed -n 's/.*"seconds_best": \([0-9.e-]*\).*/\1/p' ;;
    esac
}

for round in $(seq "$rounds"); do
    for one in $who; do
        echo "$one $(best_of "$one")"
    done
done | sort -k1,1 -k2,2g | awk -v title="$name at $res, $threads thread(s), $rounds rounds" '
    { count[$1]++; seconds[$1, count[$1]] = $2 }
    END {
        print title ": best of all (median of the rounds), seconds per image"
        for (one in count) {
            n = count[one]
            median[one] = n % 2 ? seconds[one, (n + 1) / 2] : (seconds[one, n / 2] + seconds[one, n / 2 + 1]) / 2
        }
        for (one in count)
            printf "  %-12s %.4f (%.4f)   %.2f (%.2f) times as fast as onnxruntime, %.2f (%.2f) as f32\n", one, seconds[one, 1], median[one],
                "onnxruntime" in count ? seconds["onnxruntime", 1] / seconds[one, 1] : 0,
                "onnxruntime" in count ? median["onnxruntime"] / median[one] : 0,
                "f32" in count ? seconds["f32", 1] / seconds[one, 1] : 0, "f32" in count ? median["f32"] / median[one] : 0
    }'
