#!/bin/sh
# The image tower against ONNX Runtime in one run, alternating: bench/compare.sh PEERS NAME RES THREADS [ROUNDS] [VOCAB]
#
# PEERS is a writable copy of ../shared/peers where setup.sh has run; NAME a shape of its clip_torch.py ("ViT-B-16"). Makes random
# weights and the ONNX file there once, then prints ROUNDS pairs of lines.
set -e
peers=$1 name=$2 res=$3 threads=$4 rounds=${5:-5} vocab=${6:-../shared/data/bpe_simple_vocab_16e6.txt.gz}
python=${PYTHON:-/usr/bin/python3}
base=$peers/$name

make -s bench
[ -f "$base.safetensors" ] || "$python" "$peers/clip_torch.py" make "$name" "$base.safetensors"
[ -f "$base-$res.onnx" ] || "$python" "$peers/clip_torch.py" onnx "$base.safetensors" "$base-$res.onnx" --res "$res"
[ -f "$base.clip" ] || ./lake convert "$base.safetensors" --vocab "$vocab" -o "$base.clip" 2>/dev/null
for round in $(seq "$rounds"); do
    OMP_NUM_THREADS=$threads build/bench/tower "$base.clip" "$res" 5
    (cd "$peers" && node ort_time.mjs "$(basename "$base")-$res.onnx" "$res" "$threads" 5)
done
