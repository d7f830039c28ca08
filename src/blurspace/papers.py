"""Which publications stand behind the methods and protocols? An explicit table: key -> text and BibTeX."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """A publication: one line for people, and its BibTeX entry."""

    text: str
    bibtex: str


PAPERS: dict[str, Paper] = {
    "tran2021": Paper(
        "P. Tran, A. T. Tran, Q. Phung, M. Hoai. Explore Image Deblurring via Encoded Blur Kernel Space. CVPR 2021.",
        """@inproceedings{tran2021,
  title     = {Explore Image Deblurring via Encoded Blur Kernel Space},
  author    = {Tran, Phong and Tran, Anh Tuan and Phung, Quynh and Hoai, Minh},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2021}
}""",
    ),
    "kaufman2020": Paper(
        "A. Kaufman, R. Fattal. Deblurring using Analysis-Synthesis Networks Pair. CVPR 2020.",
        """@inproceedings{kaufman2020,
  title     = {Deblurring using Analysis-Synthesis Networks Pair},
  author    = {Kaufman, Adam and Fattal, Raanan},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2020}
}""",
    ),
    "pham2024": Paper(
        "B.-D. Pham, P. Tran, A. Tran, C. Pham, R. Nguyen, M. Hoai. Blur2Blur: Blur Conversion for Unsupervised Image "
        "Deblurring on Unknown Domains. CVPR 2024.",
        """@inproceedings{pham2024,
  title     = {{Blur2Blur}: Blur Conversion for Unsupervised Image Deblurring on Unknown Domains},
  author    = {Pham, Bang-Dang and Tran, Phong and Tran, Anh and Pham, Cuong and Nguyen, Rang and Hoai, Minh},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2024},
  eprint    = {2403.16205}
}""",
    ),
    "xu2013": Paper(
        "L. Xu, S. Zheng, J. Jia. Unnatural L0 Sparse Representation for Natural Image Deblurring. CVPR 2013.",
        """@inproceedings{xu2013,
  title     = {Unnatural {L0} Sparse Representation for Natural Image Deblurring},
  author    = {Xu, Li and Zheng, Shicheng and Jia, Jiaya},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {1107--1114},
  year      = {2013}
}""",
    ),
    "cho2009": Paper(
        "S. Cho, S. Lee. Fast Motion Deblurring. ACM Transactions on Graphics 28(5), 2009.",
        """@article{cho2009,
  title   = {Fast Motion Deblurring},
  author  = {Cho, Sunghyun and Lee, Seungyong},
  journal = {ACM Transactions on Graphics},
  volume  = {28},
  number  = {5},
  year    = {2009}
}""",
    ),
    "krishnan2009": Paper(
        "D. Krishnan, R. Fergus. Fast Image Deconvolution using Hyper-Laplacian Priors. NIPS 2009.",
        """@inproceedings{krishnan2009,
  title     = {Fast Image Deconvolution using Hyper-{Laplacian} Priors},
  author    = {Krishnan, Dilip and Fergus, Rob},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2009}
}""",
    ),
    "krishnan2011": Paper(
        "D. Krishnan, T. Tay, R. Fergus. Blind Deconvolution Using a Normalized Sparsity Measure. CVPR 2011.",
        """@inproceedings{krishnan2011,
  title     = {Blind Deconvolution Using a Normalized Sparsity Measure},
  author    = {Krishnan, Dilip and Tay, Terence and Fergus, Rob},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {233--240},
  year      = {2011}
}""",
    ),
    "rudin1992": Paper(
        "L. I. Rudin, S. Osher, E. Fatemi. Nonlinear total variation based noise removal algorithms. "
        "Physica D 60, 1992.",
        """@article{rudin1992,
  title   = {Nonlinear total variation based noise removal algorithms},
  author  = {Rudin, Leonid I. and Osher, Stanley and Fatemi, Emad},
  journal = {Physica D: Nonlinear Phenomena},
  volume  = {60},
  number  = {1-4},
  pages   = {259--268},
  year    = {1992}
}""",
    ),
    "almeida2013": Paper(
        "M. S. C. Almeida, M. A. T. Figueiredo. Deconvolving Images With Unknown Boundaries Using the Alternating "
        "Direction Method of Multipliers. IEEE Transactions on Image Processing 22(8), 2013.",
        """@article{almeida2013,
  title   = {Deconvolving Images With Unknown Boundaries Using the Alternating Direction Method of Multipliers},
  author  = {Almeida, Mariana S. C. and Figueiredo, M{\\'a}rio A. T.},
  journal = {IEEE Transactions on Image Processing},
  volume  = {22},
  number  = {8},
  pages   = {3074--3086},
  year    = {2013}
}""",
    ),
    "whyte2012": Paper(
        "O. Whyte, J. Sivic, A. Zisserman, J. Ponce. Non-uniform Deblurring for Shaken Images. International Journal "
        "of Computer Vision 98(2), 2012.",
        """@article{whyte2012,
  title   = {Non-uniform Deblurring for Shaken Images},
  author  = {Whyte, Oliver and Sivic, Josef and Zisserman, Andrew and Ponce, Jean},
  journal = {International Journal of Computer Vision},
  volume  = {98},
  number  = {2},
  year    = {2012}
}""",
    ),
    "hirsch2011": Paper(
        "M. Hirsch, C. J. Schuler, S. Harmeling, B. Schölkopf. Fast Removal of Non-uniform Camera Shake. ICCV 2011.",
        """@inproceedings{hirsch2011,
  title     = {Fast Removal of Non-uniform Camera Shake},
  author    = {Hirsch, Michael and Schuler, Christian J. and Harmeling, Stefan and Sch{\"o}lkopf, Bernhard},
  booktitle = {IEEE International Conference on Computer Vision (ICCV)},
  year      = {2011}
}""",
    ),
    "gupta2010": Paper(
        "A. Gupta, N. Joshi, C. L. Zitnick, M. Cohen, B. Curless. Single Image Deblurring Using Motion Density "
        "Functions. ECCV 2010.",
        """@inproceedings{gupta2010,
  title     = {Single Image Deblurring Using Motion Density Functions},
  author    = {Gupta, Ankit and Joshi, Neel and Zitnick, C. Lawrence and Cohen, Michael and Curless, Brian},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2010}
}""",
    ),
    "levin2009": Paper(
        "A. Levin, Y. Weiss, F. Durand, W. T. Freeman. Understanding and evaluating blind deconvolution algorithms. "
        "CVPR 2009.",
        """@inproceedings{levin2009,
  title     = {Understanding and evaluating blind deconvolution algorithms},
  author    = {Levin, Anat and Weiss, Yair and Durand, Fr{\\'e}do and Freeman, William T.},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {1964--1971},
  year      = {2009}
}""",
    ),
    "nah2017": Paper(
        "S. Nah, T. H. Kim, K. M. Lee. Deep Multi-Scale Convolutional Neural Network for Dynamic Scene Deblurring. "
        "CVPR 2017.",
        """@inproceedings{nah2017,
  title     = {Deep Multi-Scale Convolutional Neural Network for Dynamic Scene Deblurring},
  author    = {Nah, Seungjun and Kim, Tae Hyun and Lee, Kyoung Mu},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2017}
}""",
    ),
    "nah2019": Paper(
        "S. Nah, S. Baik, S. Hong, G. Moon, S. Son, R. Timofte, K. M. Lee. NTIRE 2019 Challenge on Video Deblurring "
        "and Super-Resolution: Dataset and Study. CVPR Workshops 2019.",
        """@inproceedings{nah2019,
  title     = {{NTIRE} 2019 Challenge on Video Deblurring and Super-Resolution: Dataset and Study},
  author    = {Nah, Seungjun and Baik, Sungyong and Hong, Seokil and Moon, Gyeongsik and Son, Sanghyun and
               Timofte, Radu and Lee, Kyoung Mu},
  booktitle = {CVPR Workshops},
  year      = {2019}
}""",
    ),
    "kingma2014": Paper(
        "D. P. Kingma, M. Welling. Auto-Encoding Variational Bayes. ICLR 2014.",
        """@inproceedings{kingma2014,
  title     = {Auto-Encoding Variational {Bayes}},
  author    = {Kingma, Diederik P. and Welling, Max},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2014}
}""",
    ),
    "cho2021": Paper(
        "S.-J. Cho, S.-W. Ji, J.-P. Hong, S.-W. Jung, S.-J. Ko. Rethinking Coarse-to-Fine Approach in Single Image "
        "Deblurring. ICCV 2021.",
        """@inproceedings{cho2021,
  title     = {Rethinking Coarse-to-Fine Approach in Single Image Deblurring},
  author    = {Cho, Sung-Jin and Ji, Seo-Won and Hong, Jun-Pyo and Jung, Seung-Won and Ko, Sung-Jea},
  booktitle = {IEEE/CVF International Conference on Computer Vision (ICCV)},
  year      = {2021}
}""",
    ),
    "isola2017": Paper(
        "P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros. Image-to-Image Translation with Conditional Adversarial "
        "Networks. CVPR 2017.",
        """@inproceedings{isola2017,
  title     = {Image-to-Image Translation with Conditional Adversarial Networks},
  author    = {Isola, Phillip and Zhu, Jun-Yan and Zhou, Tinghui and Efros, Alexei A.},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2017}
}""",
    ),
    "gulrajani2017": Paper(
        "I. Gulrajani, F. Ahmed, M. Arjovsky, V. Dumoulin, A. Courville. Improved Training of Wasserstein GANs. "
        "NeurIPS 2017.",
        """@inproceedings{gulrajani2017,
  title     = {Improved Training of {Wasserstein} {GANs}},
  author    = {Gulrajani, Ishaan and Ahmed, Faruk and Arjovsky, Martin and Dumoulin, Vincent and Courville, Aaron},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year      = {2017}
}""",
    ),
    "zhu2017": Paper(
        "J.-Y. Zhu, T. Park, P. Isola, A. A. Efros. Unpaired Image-to-Image Translation using Cycle-Consistent "
        "Adversarial Networks. ICCV 2017.",
        """@inproceedings{zhu2017,
  title     = {Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks},
  author    = {Zhu, Jun-Yan and Park, Taesung and Isola, Phillip and Efros, Alexei A.},
  booktitle = {IEEE International Conference on Computer Vision (ICCV)},
  year      = {2017}
}""",
    ),
    "yi2017": Paper(
        "Z. Yi, H. Zhang, P. Tan, M. Gong. DualGAN: Unsupervised Dual Learning for Image-to-Image Translation. "
        "ICCV 2017.",
        """@inproceedings{yi2017,
  title     = {{DualGAN}: Unsupervised Dual Learning for Image-to-Image Translation},
  author    = {Yi, Zili and Zhang, Hao and Tan, Ping and Gong, Minglun},
  booktitle = {IEEE International Conference on Computer Vision (ICCV)},
  year      = {2017}
}""",
    ),
    "johnson2016": Paper(
        "J. Johnson, A. Alahi, L. Fei-Fei. Perceptual Losses for Real-Time Style Transfer and Super-Resolution. "
        "ECCV 2016.",
        """@inproceedings{johnson2016,
  title     = {Perceptual Losses for Real-Time Style Transfer and Super-Resolution},
  author    = {Johnson, Justin and Alahi, Alexandre and Fei-Fei, Li},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2016}
}""",
    ),
    "simonyan2015": Paper(
        "K. Simonyan, A. Zisserman. Very Deep Convolutional Networks for Large-Scale Image Recognition. ICLR 2015.",
        """@inproceedings{simonyan2015,
  title     = {Very Deep Convolutional Networks for Large-Scale Image Recognition},
  author    = {Simonyan, Karen and Zisserman, Andrew},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2015}
}""",
    ),
    "dosovitskiy2014": Paper(
        "A. Dosovitskiy, J. T. Springenberg, M. Riedmiller, T. Brox. Discriminative Unsupervised Feature Learning "
        "with Convolutional Neural Networks. NeurIPS 2014.",
        """@inproceedings{dosovitskiy2014,
  title     = {Discriminative Unsupervised Feature Learning with Convolutional Neural Networks},
  author    = {Dosovitskiy, Alexey and Springenberg, Jost Tobias and Riedmiller, Martin and Brox, Thomas},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year      = {2014}
}""",
    ),
    "chen2022": Paper(
        "L. Chen, X. Chu, X. Zhang, J. Sun. Simple Baselines for Image Restoration. ECCV 2022.",
        """@inproceedings{chen2022,
  title     = {Simple Baselines for Image Restoration},
  author    = {Chen, Liangyu and Chu, Xiaojie and Zhang, Xiangyu and Sun, Jian},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2022}
}""",
    ),
    "zamir2022": Paper(
        "S. W. Zamir, A. Arora, S. Khan, M. Hayat, F. S. Khan, M.-H. Yang. Restormer: Efficient Transformer for "
        "High-Resolution Image Restoration. CVPR 2022.",
        """@inproceedings{zamir2022,
  title     = {{Restormer}: Efficient Transformer for High-Resolution Image Restoration},
  author    = {Zamir, Syed Waqas and Arora, Aditya and Khan, Salman and Hayat, Munawar and Khan, Fahad Shahbaz and
               Yang, Ming-Hsuan},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2022}
}""",
    ),
    "zhang2022": Paper(
        "K. Zhang, Y. Li, W. Zuo, L. Zhang, L. Van Gool, R. Timofte. Plug-and-Play Image Restoration with Deep "
        "Denoiser Prior. TPAMI 2022.",
        """@article{zhang2022,
  title   = {Plug-and-Play Image Restoration with Deep Denoiser Prior},
  author  = {Zhang, Kai and Li, Yawei and Zuo, Wangmeng and Zhang, Lei and Van Gool, Luc and Timofte, Radu},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume  = {44},
  number  = {10},
  pages   = {6360--6376},
  year    = {2022}
}""",
    ),
    "zhang2021": Paper(
        "K. Zhang, J. Liang, L. Van Gool, R. Timofte. Designing a Practical Degradation Model for Deep Blind Image "
        "Super-Resolution. ICCV 2021.",
        """@inproceedings{zhang2021,
  title     = {Designing a Practical Degradation Model for Deep Blind Image Super-Resolution},
  author    = {Zhang, Kai and Liang, Jingyun and Van Gool, Luc and Timofte, Radu},
  booktitle = {IEEE/CVF International Conference on Computer Vision (ICCV)},
  year      = {2021}
}""",
    ),
    "rim2022": Paper(
        "J. Rim, G. Kim, J. Kim, J. Lee, S. Lee, S. Cho. Realistic Blur Synthesis for Learning Image Deblurring. "
        "ECCV 2022.",
        """@inproceedings{rim2022,
  title     = {Realistic Blur Synthesis for Learning Image Deblurring},
  author    = {Rim, Jaesung and Kim, Geonung and Kim, Jungeon and Lee, Junyong and Lee, Seungyong and Cho, Sunghyun},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2022}
}""",
    ),
    "mittal2013": Paper(
        "A. Mittal, R. Soundararajan, A. C. Bovik. Making a 'Completely Blind' Image Quality Analyzer. IEEE Signal "
        "Processing Letters, 2013.",
        """@article{mittal2013,
  title     = {Making a `Completely Blind' Image Quality Analyzer},
  author    = {Mittal, Anish and Soundararajan, Rajiv and Bovik, Alan C.},
  journal   = {IEEE Signal Processing Letters},
  year      = {2013}
}""",
    ),
}
